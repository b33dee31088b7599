"""Exercises: parts of the model to write oneself, checked by what they compute and never by how they are written."""
