"""Priorities: what measures buy each side, packages that hold up in many futures, and what both sides could sign."""
