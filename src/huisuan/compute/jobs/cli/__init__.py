"""The commands `huisuan job`."""
