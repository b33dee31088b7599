"""Looking inside a model: what it attends to, why it says what it says, what breaks it, and how it came about."""
