"""A new policy's folder, and the example in it that `huisuan policy new` writes. The command alone imports it."""
