"""What a model says about a picture, and what it looks at."""
