"""Watching a run: everything here reads the run directory, and nothing here is needed for the run to go on."""
