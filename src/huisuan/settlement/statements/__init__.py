"""A firm's monthly statement (XLSX, PDF, FOCUS 1.2 CSV) and its forecast to the year's end.

Made of the meter's counted days at the prices of each day, rounded as a bill is; beside the bills of the newest
settlement, so that a difference shows. For the API, the commands and the portal; rests on budgets and the law.
"""
