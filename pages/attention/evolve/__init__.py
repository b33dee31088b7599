"""One picture through the checkpoints of a run: how the answer and the attention came about."""
