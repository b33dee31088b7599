"""Experiments: questions with two answers, and sweeps over settings."""
