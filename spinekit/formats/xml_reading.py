"""XML that strangers wrote: no document type, no entities, bounded in depth, read piece by piece."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import IO
from xml.etree.ElementTree import Element, ParseError

from spinekit.core.errors import AnnotationError
from spinekit.files import printable
from spinekit.formats.sources import MAX_TEXT_BYTES, finite

MAX_DEPTH = 64
_PEEKED_BYTES = 65_536


def pieces(stream: IO[bytes], where: str) -> Iterator[Element]:
    """The root of a document while it is still empty, then each child of it once that is complete.

    A child is forgotten when the next one is asked for, so that a large document needs little memory.

    Args:
        stream: The document's bytes.
        where: File, and member of an archive, for messages.

    Raises:
        AnnotationError: If it is no sound XML, nested more than 64 deep, or declares a document type or
            entities, which is how a few bytes unfold to gigabytes or name other files.
    """
    from defusedxml import DefusedXmlException
    from defusedxml.ElementTree import iterparse

    depth = 0
    root: Element | None = None
    try:
        for event, element in iterparse(stream, events=("start", "end"), forbid_dtd=True):
            depth += 1 if event == "start" else -1
            if depth > MAX_DEPTH:
                raise AnnotationError(
                    f"{where}: is nested more than {MAX_DEPTH} deep -- this is no annotation"
                )
            if root is None:
                root = element
                yield root
            elif event == "end" and depth == 1:
                yield element
                root.remove(element)
    except ParseError as error:
        if root is None and not stream.tell():
            raise AnnotationError(f"{where}: is empty -- export it again") from error
        line, column = error.position
        reason = str(error).split(":")[0]
        raise AnnotationError(
            f"{where}: line {line}, column {column + 1}: {reason} -- export the file again"
        ) from error
    except DefusedXmlException as error:
        raise AnnotationError(
            f"{where}: declares a document type or entities, which may hide a bomb -- remove its DOCTYPE"
        ) from error
    except (LookupError, ValueError) as error:
        raise AnnotationError(f"{where}: is XML in an unknown encoding -- save it as UTF-8") from error
    except OSError as error:
        raise AnnotationError(f"{where}: cannot be read ({error.strerror}) -- check the path") from error


def read_tree(path: Path) -> Element:
    """The root of a small document with all that it holds.

    Raises:
        AnnotationError: See `pieces`; also if the file is larger than 1 GB.
    """
    try:
        if path.stat().st_size > MAX_TEXT_BYTES:
            raise AnnotationError(f"{path}: is too large for an annotation file -- split it")
        with path.open("rb") as stream:
            parts = pieces(stream, str(path))
            root = next(parts)
            children = list(parts)
    except OSError as error:
        raise AnnotationError(f"{path}: cannot be read ({error.strerror}) -- check the path") from error
    whole = Element(root.tag, root.attrib)
    whole.extend(children)
    return whole


def root_tag(head: bytes) -> str:
    """Name of the root of a document by its first bytes; empty where they are no XML. Never raises."""
    text = head[:_PEEKED_BYTES].decode("utf-8-sig", "replace").lstrip()
    while text.startswith(("<?", "<!")):
        end = "-->" if text.startswith("<!--") else ">"
        _, _, text = text.partition(end)
        text = text.lstrip()
    if not text.startswith("<"):
        return ""
    name = text[1:200].replace(">", " ").replace("/", " ").split()
    return name[0] if name else ""


def attribute_number(element: Element, name: str, where: str) -> float:
    """A finite number in an attribute.

    Raises:
        AnnotationError: If it is missing or none.
    """
    return text_number(element.get(name), f"{where}: {name}")


def text_number(text: str | None, where: str) -> float:
    """A finite number in a text.

    Raises:
        AnnotationError: If it is missing or none.
    """
    try:
        value = float(text or "")
    except ValueError:
        shown = "nothing" if text is None else repr(printable(text[:40]))
        raise AnnotationError(f"{where}: {shown} is not a coordinate -- correct it") from None
    return finite(value, where)
