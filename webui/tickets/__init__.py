"""Callback tickets at work: noted in a call by a key, held, called, settled. Their list stands in ``followup``."""
