"""Signing in and out, own password, own language."""
