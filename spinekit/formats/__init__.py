"""Outside formats, one file each: a module with a module-level ``FORMAT`` is found by `registry`."""
