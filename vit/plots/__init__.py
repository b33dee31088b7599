"""Numbers in, pictures out. Nothing else in the project turns values into colours or scales a heatmap."""
