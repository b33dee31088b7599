"""What the lessons show: real tensors, shapes and source lines of a model, as pure functions."""
