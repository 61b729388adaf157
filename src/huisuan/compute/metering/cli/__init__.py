"""The commands `huisuan usage` and `huisuan meter`; only `huisuan.cli` assembles them."""
