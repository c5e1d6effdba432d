"""What the classifier learns from and how: messages, corrections of this installation, training, published models."""
