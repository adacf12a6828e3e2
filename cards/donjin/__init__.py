"""Donjin TC08A32 boards."""
