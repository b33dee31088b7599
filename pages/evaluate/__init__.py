"""The screen that says how good a model is, where it fails, and when not to believe it."""
