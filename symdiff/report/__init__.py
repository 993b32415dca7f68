"""Drawings of what the floors below return."""
