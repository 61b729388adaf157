"""What of the meter looks wrong: flags, overuse, gaps."""
