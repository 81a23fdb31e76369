"""Benchmarks: how fast the model runs, against what, and whether the targets are met. Apart from the tests."""
