"""What of compute a viewer may see."""
