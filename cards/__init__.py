"""Telephone boards: their drivers, the process that owns them, and a simulated board."""
