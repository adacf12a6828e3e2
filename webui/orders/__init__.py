"""Orders: entry in a call by keyboard, list, one order."""
