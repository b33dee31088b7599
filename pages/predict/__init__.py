"""What a model says about an image, and what it attends to."""
