"""What the model would answer after every layer, and which of its parts wrote the answer."""
