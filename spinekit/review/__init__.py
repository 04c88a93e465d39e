"""The local page: look, drag, re-measure, accept."""
