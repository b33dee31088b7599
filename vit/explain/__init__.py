"""Looking inside a model: pure functions from a model and its input to plain tensors, without hooks."""
