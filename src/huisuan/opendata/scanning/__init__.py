"""What a file says that must not leave: all of it is read; each number, name and mark is found with its place.

Pure, without Django and without a database, so that a department can check before it sends. Readers take a file apart
into blocks of text; `find` judges the text; `scan` puts both together; `caged` does so in a child process with limits.
Values are never kept: a finding has the place, the value masked, and a fingerprint by a key that is thrown away.
"""
