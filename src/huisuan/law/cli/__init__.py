"""The commands `huisuan law` and `huisuan policy`."""
