"""What readers of annotations tell of things that they pass over, in the same words everywhere."""

from __future__ import annotations

from spinekit.core.errors import AnnotationError
from spinekit.core.image import ImageRef
from spinekit.core.landmarks import Landmarks, Visibility
from spinekit.core.outline import Outline
from spinekit.core.scene import Absent
from spinekit.files import printable
from spinekit.formats.plugin import LabelOptions
from spinekit.formats.rings import crosses_itself, encloses_nothing, within
from spinekit.formats.sources import ImageFolder


def found_image(folder: ImageFolder, name: str, place: str, options: LabelOptions) -> ImageRef | None:
    """The image that an annotation names; None, once it was told, where it is not there.

    Args:
        folder: Where it is looked for.
        name: As in the annotation.
        place: File, and line or entry, for the message.
        options: Says who is told, and whether a missing image is an error.

    Raises:
        AnnotationError: If it is missing and must not be.
    """
    image = folder.find(name)
    if not isinstance(image, Absent):
        return image
    if not options.allow_missing:
        raise AnnotationError(f"{place}: {image.reason} -- add the image or allow missing ones")
    options.notice(f"{place}: {image.reason} -- passed over")
    return None


def shape_within(outline: Outline, image: ImageRef, place: str, options: LabelOptions) -> Outline | None:
    """The shape as far as it lies in the image and encloses something; None, once told, where nothing is left.

    Rings that enclose nothing fall out; one that crosses itself stays and is filled by the even-odd rule.

    Args:
        outline: The shape, px.
        image: For its size.
        place: File, and line or entry, for the messages.
        options: Says who is told.
    """
    whole = [ring for ring in outline.rings if not encloses_nothing(ring)]
    flat = len(outline.rings) - len(whole)
    if flat:
        what = "the shape" if len(outline.rings) == 1 else f"{flat} of {len(outline.rings)} parts"
        options.notice(f"{place}: {what} encloses nothing -- passed over")
    if not whole:
        return None
    if any(crosses_itself(ring) for ring in whole):
        options.notice(f"{place}: the shape crosses itself -- filled by the even-odd rule")
    kept = Outline(tuple(whole), outline.holes) if flat else outline
    inner = within(kept, image.height, image.width)
    if inner is None:
        options.notice(f"{place}: the shape lies outside the image -- passed over")
    elif inner is not kept:
        options.notice(f"{place}: the shape reaches beyond the image -- cut at its edge")
    return inner


def tell_points_outside(points: Landmarks, image: ImageRef, place: str, options: LabelOptions) -> None:
    """Tells of landmarks that lie outside the image; they stay where they are."""
    size = (image.width - 0.5, image.height - 0.5)
    present = points.visibility != Visibility.ABSENT
    outside = [
        name
        for name, xy, there in zip(points.names, points.xy, present, strict=True)
        if there and not bool((xy >= -0.5).all() and (xy <= size).all())
    ]
    if outside:
        shown = ", ".join(printable(name) for name in outside[:5]) + (", ..." if len(outside) > 5 else "")
        options.notice(f"{place}: {shown} outside the image of {image.width} x {image.height} px -- kept")
