"""How settings come into force: proposed, adopted by another person, kept for good.

`services` changes, `queries` reads, `proposed_settings` checks a draft, `settings_files`
keeps the files as the record says.
"""
