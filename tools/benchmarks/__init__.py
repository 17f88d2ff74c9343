"""Benchmarks: each compares a part of this repository with a plain implementation of it, in the same run."""
