"""Reading in sequence: which candidates are the bodies of one spine, what each is called, where its corners are."""

from spinekit.anatomy.mask_corners import BodyShape, body_shape
from spinekit.anatomy.masked_scene import with_corners
from spinekit.anatomy.sequence import name_levels
from spinekit.anatomy.unique import unique_levels

__all__ = ["BodyShape", "body_shape", "name_levels", "unique_levels", "with_corners"]
