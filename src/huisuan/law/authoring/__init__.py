"""What policy files are written with: declarations, articles and operators that build expressions.

Policy files import all of it from `huisuan.law`, which is its face; only the loader looks inside.
"""
