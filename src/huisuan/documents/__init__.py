"""Official documents: set by GB/T 9704-2012, numbered without gaps by office and year, open to be checked by anyone.

A room above hands over a `Letter` (plain data: title, addressee, paragraphs, annexes) and the office that signs it;
this room numbers it, sets it as a PDF whose bytes follow from its record alone, keeps it under its SHA-256, and answers
who asks with the code or the QR on its pages: issued, by whom, still valid or replaced by what. It knows no programme
and no policy. Programmes, bulletins, portal and commands may import it.
"""
