"""The commands `huisuan law` and `huisuan policy`; the only part of the law that speaks to a terminal."""
