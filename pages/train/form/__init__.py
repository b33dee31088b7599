"""Configuring a run: presets first, a few fields, and everything else behind Advanced."""
