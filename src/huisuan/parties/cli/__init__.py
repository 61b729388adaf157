"""The commands `huisuan party`, `huisuan person` and `huisuan token`."""
