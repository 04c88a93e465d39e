"""Names of the points of a vertebral body that anatomy finds and measures use, in the viewer's frame.

T and B are the superior and inferior endplate, L and R the viewer's left and right.
"""

from __future__ import annotations

CORNERS = ("TL", "TR", "BL", "BR")
MIDDLES = ("TM", "BM")
"""Where the contour of each endplate stands halfway between the sides."""

PLATE_ENDS = ("STL", "STR", "SBL", "SBR")
"""Ends of the straight lines fitted to the endplates of a mask: the angle of an endplate is theirs, while the
corners are on the contour."""

BODY_POINTS = (*CORNERS, *MIDDLES, *PLATE_ENDS)
