"""The shipped configuration: data only."""
