"""One image and what a model attends to in it: the same canvas on Start, Predict and Attention."""
