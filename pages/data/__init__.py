"""The data sets at hand, and getting more."""
