"""What waits for a person, and by when: `items` names the kinds, `queries` finds them for a viewer.

Every count here is one that is kept or that an index answers: the list is on everybody's first page. Pages, the API
and `huisuan todo` read from here; nothing below does.
"""
