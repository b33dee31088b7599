"""Numbers in, images out. Nothing else in the project turns values into colors or scales a heatmap."""
