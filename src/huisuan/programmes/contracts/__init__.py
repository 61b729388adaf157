"""Contracts with milestones: what is declared (`figures`), asked for (`terms`), and who of a race goes on (`race`).

The workflow asks `conditions`, the treasury `awards.milestones` and the database; persons act in `contract_desk`.
"""
