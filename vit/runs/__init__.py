"""The run directory: what a run is on disk, how it is started, commanded, listed and read. Never imports torch."""
