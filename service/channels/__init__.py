"""How messages come and go: one folder a vendor, a line in the registry. Knows messages, never tickets."""
