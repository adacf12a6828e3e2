"""Tests of Callyard."""
