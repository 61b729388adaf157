"""Pages of seals, flags and the register."""
