"""What the database counts by itself of applications and steps."""
