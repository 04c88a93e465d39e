"""Pages of small pictures, for looking over many results at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from spinekit.core.image import UInt8Array
from spinekit.views.overlay import thumbnail
from spinekit.views.strokes import Text, text_size, texts
from spinekit.views.style import FOOTER_TEXT
from spinekit.views.wording import plain

GROUND = 24
GAP = 8


def contact_sheets(
    pictures: Iterable[tuple[str, UInt8Array]], columns: int = 5, rows: int = 3, cell: int = 420
) -> Iterator[UInt8Array]:
    """Pages with a grid of shrunk pictures, each with its name below.

    Args:
        pictures: Name and (H, W, 3) BGR of each; read one at a time, so memory holds a page at most.
        columns: Pictures beside each other.
        rows: Rows of pictures on a page.
        cell: Longest side of a shrunk picture, px.

    Yields:
        (height, width, 3) BGR; tiles are as wide as the page's widest picture, and the last page has only
        the rows that it needs.

    Raises:
        ValueError: If a count or the size is not positive.
    """
    if min(columns, rows, cell) < 1:
        raise ValueError(f"a sheet needs columns, rows and size above 0, not {columns}, {rows}, {cell}")
    page: list[tuple[str, UInt8Array]] = []
    for name, picture in pictures:
        page.append((name, thumbnail(picture, cell)))
        if len(page) == columns * rows:
            yield _sheet(page, columns, cell)
            page = []
    if page:
        yield _sheet(page, columns, cell)


def _sheet(page: list[tuple[str, UInt8Array]], columns: int, cell: int) -> UInt8Array:
    width = max(picture.shape[1] for _, picture in page)
    tiles = [_captioned(name, picture, width, cell) for name, picture in page]
    tiles += [np.full_like(tiles[0], GROUND)] * (-len(tiles) % columns)
    rows = [np.concatenate(tiles[k : k + columns], axis=1) for k in range(0, len(tiles), columns)]
    return np.concatenate(rows, axis=0)


def _captioned(name: str, picture: UInt8Array, width: int, height: int) -> UInt8Array:
    """A tile with a picture in its middle and a line of text below."""
    size = roomy = max(9, height // 32)
    while size > max(9, roomy // 2) and text_size(plain(name), size)[0] > width:
        size -= 1
    tile = np.full((height + 2 * roomy + GAP, width + GAP, 3), GROUND, dtype=np.uint8)
    top, left = (height - picture.shape[0]) // 2 + GAP // 2, (width - picture.shape[1]) // 2 + GAP // 2
    tile[top : top + picture.shape[0], left : left + picture.shape[1]] = picture
    caption = _shortened(plain(name), size, width)
    wide, high = text_size(caption, size)
    x, y = (width + GAP - wide) / 2, height + GAP / 2
    texts(tile, [Text(caption, (x, y, x + wide, y + high), size, FOOTER_TEXT)])
    return tile


def _shortened(words: str, size: int, width: int) -> str:
    """The end of a text, which tells files apart, as far as there is room."""
    if text_size(words, size)[0] <= width:
        return words
    for start in range(1, len(words)):
        rest = "\N{HORIZONTAL ELLIPSIS}" + words[start:]
        if text_size(rest, size)[0] <= width:
            return rest
    return ""
