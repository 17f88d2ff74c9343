"""Profiles: the variables that the numbered stages read, how a profile sets them, and what the stages get.

Imports nothing heavy: every stage starts with it.
"""
