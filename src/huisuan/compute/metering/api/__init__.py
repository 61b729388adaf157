"""The HTTP API of usage and seals; only `huisuan.api` assembles it."""
