"""Looking inside a model: where its attention goes."""
