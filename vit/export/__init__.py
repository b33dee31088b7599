"""Taking a trained model elsewhere."""
