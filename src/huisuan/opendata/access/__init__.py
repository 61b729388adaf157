"""What was let out, to whoever may have it: one query module (`released.py`), files, previews, SQL, grants, ledger."""
