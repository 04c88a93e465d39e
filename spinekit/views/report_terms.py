"""What the measurements of a report mean: each definition and each norm's source once, at the end of the page."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from spinekit.core.measurement import Measurement, Result
from spinekit.core.scene import Scene
from spinekit.views.language import Language
from spinekit.views.wording import family_of


@dataclass(frozen=True, slots=True)
class Term:
    """A measurement of the report.

    Attributes:
        title: As clinicians call it, or empty.
        methods: Its definition; several where images were measured by several.
        norms: Source, population and caution of each norm.
    """

    title: str
    methods: list[str] = field(default_factory=list)
    norms: list[str] = field(default_factory=list)


Terms = dict[str, Term]
"""By name, in the order in which they occur."""


def add_terms(
    terms: Terms,
    results: Iterable[Result],
    scene: Scene | None,
    levelled: Collection[str],
    language: Language,
) -> None:
    """Adds the definitions of one image's measurements, each once.

    Args:
        terms: Added to.
        results: Of the image.
        scene: Whose schema has the titles.
        levelled: Names that are taken at several levels; they have one definition together.
        language: Of the page.
    """
    titles = {} if scene is None else {line.name: line.title for line in scene.schema.measurements}
    for result in results:
        if not isinstance(result, Measurement):
            continue
        name = family_of(result.name) if result.name in levelled else result.name
        term = terms.setdefault(name, Term(titles.get(result.name, "")))
        _once(term.methods, result.method)
        for beside in result.norms:
            norm = beside.norm
            caution = f" ({norm.note})" if norm.note else ""
            year = norm.year if norm.year is not None else language.text["year_unknown"]
            _once(term.norms, f"{norm.author} {year}: {norm.population}{caution}")


def _once(words: list[str], new: str) -> None:
    if new and new not in words:
        words.append(new)
