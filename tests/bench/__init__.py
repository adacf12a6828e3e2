"""Benchmarks: ``python -m tests.bench`` prints and writes ``tests/bench/results.json``."""
