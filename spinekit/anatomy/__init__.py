"""Reading in sequence: which candidates are the bodies of one spine, and what each is called."""

from spinekit.anatomy.sequence import name_levels
from spinekit.anatomy.unique import unique_levels

__all__ = ["name_levels", "unique_levels"]
