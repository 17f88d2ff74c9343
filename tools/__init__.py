"""Numbered shell stages and the commands behind those that need all rooms."""
