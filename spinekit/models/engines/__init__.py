"""What computes networks: one file for each engine, found by `spinekit.models.engines.registry`."""
