"""Maps for a class from every method, each with a measure of how far it can be believed."""
