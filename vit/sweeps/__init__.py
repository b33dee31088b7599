"""Experiments of many runs: sweeps over settings, and questions with two answers. Only what trains imports torch."""
