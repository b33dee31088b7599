"""The first screen: what this is, a model to try, one button that trains."""
