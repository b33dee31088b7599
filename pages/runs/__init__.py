"""All runs: a table to find them in, and what differs between those that are selected."""
