"""What a model has learned without any picture, and how its layers differ."""
