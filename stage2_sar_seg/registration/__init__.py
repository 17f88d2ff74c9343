"""Finds and removes the offset between optical and SAR images before labels move from one to the other."""
