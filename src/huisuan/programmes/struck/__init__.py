"""Issuers of reports that lost their standing: which applications rest on theirs, and what follows for each.

`issuers` says who issued which file, `striking` strikes and finds. An application that rests on struck evidence bears a
flag (`struck_evidence`): it does not move on before somebody other than its checker has answered it.
"""
