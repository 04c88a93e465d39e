"""The strip below an overlay: what the picture is not for, and what made it."""

from __future__ import annotations

from spinekit.core.image import UInt8Array
from spinekit.core.scene import Author, Scene
from spinekit.views.strokes import Text, text_size, texts
from spinekit.views.style import FOOTER_TEXT, Scale
from spinekit.views.wording import plain

STATEMENT = "research use only"
SMALLEST = 8
_GROUND = 18


def draw_footer(strip: UInt8Array, scene: Scene, scale: Scale, doubts: bool) -> None:
    """Writes the strip below a film, in place; it stands below so that no part of the film is covered.

    Args:
        strip: (`footer_height`, W, 3) BGR; whatever it holds is painted over.
        scene: Names the model.
        scale: Sizes on the canvas.
        doubts: Whether anything is marked as doubtful, which the strip then explains.
    """
    height, width = strip.shape[:2]
    strip[:] = _GROUND
    doubt = "? and dashes: look again" if doubts else ""
    full = "  \N{MIDDLE DOT}  ".join(fact for fact in (_source(scene), doubt) if fact)
    size = max(SMALLEST, round(0.8 * scale.font))
    while size > SMALLEST and not _fits(full, size, width):
        size -= 1
    # Where there is too little room the model's name goes first, the statement never.
    right = next((words for words in (full, doubt) if _fits(words, size, width)), "")
    wide, high = text_size(right, size)
    top = (height - high) / 2
    words = [
        Text(STATEMENT, (0, top, 0, 0), size, FOOTER_TEXT),
        Text(right, (width - wide, top, 0, 0), size, FOOTER_TEXT),
    ]
    texts(strip, words)


def _fits(right: str, size: int, width: int) -> bool:
    return text_size(STATEMENT, size)[0] + size + text_size(right, size)[0] <= width


def footer_height(scale: Scale) -> int:
    """Rows of the strip."""
    return round(1.7 * scale.font)


def _source(scene: Scene) -> str:
    if scene.model:
        return plain(scene.model)
    if any(item.author is Author.HUMAN for item in scene.instances):
        return "human labels"
    return ""
