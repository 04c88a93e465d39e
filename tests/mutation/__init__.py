"""Files broken in many ways by the thousand, and what reading each must end in; see ``benchmarks/mutants.py``."""
