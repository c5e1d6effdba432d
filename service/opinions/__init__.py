"""A language model's second opinion on what a message is: asked over HTTP, believed only as far as it was checked."""
