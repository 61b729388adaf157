"""DuckDB as the meter and the traces use it: a connection, its tables as data, the lines of a file.

`workbench` makes connections, `relation` describes tables, `reader_tables` are those that every reader of a usage file
fills, `source_lines` cuts a file into lines. Rests on `base` alone; any room may import it.
"""
