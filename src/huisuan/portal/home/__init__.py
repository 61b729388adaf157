"""The page each role arrives on."""
