"""The commands `huisuan usage` and `huisuan meter`."""
