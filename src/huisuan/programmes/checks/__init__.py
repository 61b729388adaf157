"""The checks of an application, each with its reason and what it saw: the law's answer, stacking, credit list, debts.

`subject` is what they look at, `findings` and `law_answer` are the checks, `stored` keeps a round of them.
"""
