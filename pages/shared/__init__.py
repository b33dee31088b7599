"""What several screens use: the frame, components, cached models."""
