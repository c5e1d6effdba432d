"""WeChat official accounts: pushes in, customer-service messages out. Knows messages, never tickets."""
