"""The treasury: what was appropriated, promised, ordered, paid and taken back, as one ledger in double entry, in fen.

Every movement of money is an entry whose postings add up to zero; accounts bear a floor below which the database lets
nothing bring them. Nothing is edited: what was wrong is reversed. This room rests on parties and base; it knows no
programme and no rule of a policy: a budget line names its policy, sentence and office by their keys, an award by its
own.
"""
