"""Official documents of what is on record: calls, notices, decisions, money, recoveries, as letters."""
