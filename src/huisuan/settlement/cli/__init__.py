"""The commands `huisuan settle` and `huisuan settings`."""
