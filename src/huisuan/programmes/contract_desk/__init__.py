"""Acting on contracts: the plan, the contract, reports, checks on site, panels, acceptance, evaluation.

`desk` asks who may; the others are one act each, and `queries` reads.
"""
