"""What a ticket is and what may happen to it. Session in, rows changed; never commits, never sees HTTP."""
