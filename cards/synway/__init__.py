"""Synway boards (SynCTI)."""
