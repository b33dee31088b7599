"""How good a model is and where it fails, on a split of a data set, beyond one number."""
