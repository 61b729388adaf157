"""Signed usage from agents: received, judged, stored."""
