"""Sealed months, and the public register of all seals."""
