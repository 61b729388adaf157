"""Whom a table still points at once names and numbers are gone: classes of rows that agree in what is known elsewhere.

Pure, with NumPy. `hierarchies` says how a column may be made coarser, `lattice` what every combination of such steps
leaves of k-anonymity (Samarati and Sweeney, 1998) and l-diversity (Machanavajjhala, 2006), and what it costs.
"""
