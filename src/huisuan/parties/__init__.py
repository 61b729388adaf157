"""Organisations, people, roles, regions and the relations between organisations."""
