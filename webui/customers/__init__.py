"""Customers: the card that pops with a call, search, create, change, history."""
