"""The catalogue of bad inputs, what must come of each; ``docs/reference/bad-input.md`` is made of it."""
