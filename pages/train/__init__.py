"""Configuring a run, and watching it."""
