"""Breaking things: heads, blocks and patches are switched off or changed, and the answer follows."""
