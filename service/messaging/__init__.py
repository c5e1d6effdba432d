"""Messages in and out: none lost, none handled twice. Knows no ticket and no channel."""
