"""Benchmarks against peers: not part of the package, run by hand (`make bench`)."""
