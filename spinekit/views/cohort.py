"""All images of a run together: how each measurement is distributed, and whose interval is wider than usual."""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from markupsafe import Markup, escape

from spinekit.core.image import FloatArray
from spinekit.core.measurement import Measurement, Result
from spinekit.views.language import Language
from spinekit.views.wording import doubtful, plain

LEAST = 3
"""Images from which on a measurement has a distribution."""

WIDE = 2.0
"""Times the median width of all images' intervals at which one is called wide."""

WIDTH, HEIGHT = 300, 30
_MOST_DOTS = 80
_BARS = 30


@dataclass(frozen=True, slots=True, eq=False)
class _Series:
    """One measurement over all images: as compact as numbers can be."""

    images: array[int] = field(default_factory=lambda: array("l"))
    values: array[float] = field(default_factory=lambda: array("d"))
    widths: array[float] = field(default_factory=lambda: array("d"))
    review: array[int] = field(default_factory=lambda: array("b"))


@dataclass(frozen=True, slots=True, eq=False)
class Cohort:
    """The values of all images so far, by name and unit, and how often each name was refused."""

    series: dict[tuple[str, str], _Series] = field(default_factory=dict)
    refused: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Distribution:
    """One measurement over all images.

    Attributes:
        name: Of the measurement.
        images: How many have a value.
        median: With unit.
        quartiles: Lower and upper, with unit.
        ends: Least and greatest, with unit.
        review: Values that a person should look at.
        refused: Images on which it was refused.
        drawing: Box and dots, or bars where there are many.
    """

    name: str
    images: int
    median: str
    quartiles: tuple[str, str]
    ends: tuple[str, str]
    review: int
    refused: int
    drawing: Markup


def add_image(cohort: Cohort, image: int, results: Iterable[Result]) -> None:
    """Adds the results of one image.

    Args:
        cohort: Changed in place.
        image: Its number, from which its place on the page is made.
        results: Its results.
    """
    for result in results:
        if not isinstance(result, Measurement):
            cohort.refused[result.name] = cohort.refused.get(result.name, 0) + 1
        elif math.isfinite(result.value):
            series = cohort.series.setdefault((result.name, result.unit), _Series())
            known = result.low is not None and result.high is not None
            series.images.append(image)
            series.values.append(result.value)
            series.widths.append(result.high - result.low if known else math.nan)  # type: ignore[operator]
            series.review.append(doubtful(result))


def distributions(cohort: Cohort, names: Mapping[int, str], language: Language) -> list[Distribution]:
    """What is measured on at least `LEAST` images, in the order of their results.

    Args:
        cohort: All images.
        names: Of each image by its number.
        language: Of the page.
    """
    found = []
    for (name, unit), series in cohort.series.items():
        values = np.array(series.values)
        if len(values) < LEAST:
            continue
        low, q1, median, q3, high = (float(value) for value in np.percentile(values, (0, 25, 50, 75, 100)))
        found.append(
            Distribution(
                name=name,
                images=len(values),
                median=language.number(median, unit),
                quartiles=(language.number(q1, unit), language.number(q3, unit)),
                ends=(language.number(low, unit), language.number(high, unit)),
                review=sum(series.review),
                refused=cohort.refused.get(name, 0),
                drawing=_drawing(series, values, (low, q1, median, q3, high), (name, unit), names, language),
            )
        )
    return found


def widest(cohort: Cohort) -> dict[int, tuple[str, float]]:
    """By image the measurement whose interval is the widest beside its median over all images, and how many times.

    Only those of at least `WIDE` times, and of measurements with five intervals or more.
    """
    found: dict[int, tuple[str, float]] = {}
    for (name, _), series in cohort.series.items():
        widths = np.array(series.widths)
        known = widths[np.isfinite(widths)]
        usual = float(np.median(known)) if len(known) >= 5 else 0.0
        if usual <= 0:
            continue
        for image, width in zip(series.images, widths.tolist(), strict=True):
            times = width / usual
            if times >= WIDE and times > found.get(image, ("", 0.0))[1]:
                found[image] = (name, times)
    return found


def _drawing(
    series: _Series,
    values: FloatArray,
    fifths: Sequence[float],
    what: tuple[str, str],
    names: Mapping[int, str],
    language: Language,
) -> Markup:
    low, q1, median, q3, high = fifths
    span = (high - low) or 1.0

    def across(value: float) -> float:
        return round(8 + (WIDTH - 16) * ((value - low) / span if high > low else 0.5), 1)

    middle = HEIGHT / 2
    parts = []
    if len(values) > _MOST_DOTS:
        counts, edges = np.histogram(values, bins=_BARS)
        for count, left, right in zip(counts.tolist(), edges[:-1].tolist(), edges[1:].tolist(), strict=True):
            tall = (HEIGHT - 8) * count / max(counts.max(), 1)
            if count:
                wide = max(across(right) - across(left) - 0.6, 0.6)
                parts.append(
                    f'<rect class="bar" x="{across(left)}" y="{HEIGHT - 5 - tall:.1f}" width="{wide:.1f}" '
                    f'height="{tall:.1f}"/>'
                )
        parts.append(
            f'<line class="middle" x1="{across(median)}" x2="{across(median)}" y1="1" y2="{HEIGHT - 2}"/>'
        )
    else:
        parts += [
            f'<line class="axis" x1="{across(low)}" x2="{across(high)}" y1="{middle}" y2="{middle}"/>',
            f'<rect class="box" x="{across(q1)}" y="5" width="{max(across(q3) - across(q1), 1):.1f}" '
            f'height="{HEIGHT - 10}" rx="2"/>',
            f'<line class="middle" x1="{across(median)}" x2="{across(median)}" y1="3" y2="{HEIGHT - 3}"/>',
        ]
        places = zip(series.images, series.values, series.review, strict=True)
        for k, (image, value, review) in enumerate(places):
            y = middle + (0, -5, 5, -2.5, 2.5)[k % 5]  # beside each other where they would lie on each other
            said = escape(plain(f"{names.get(image, '')}: {language.number(value, what[1])}"))
            kind = "mark look" if review else "mark"
            parts.append(
                f'<a href="#image-{image}"><circle class="{kind}" cx="{across(value)}" cy="{y}" r="3">'
                f"<title>{said}</title></circle></a>"
            )
    label = escape(plain(what[0]))
    return Markup(  # numbers of our own and escaped text
        f'<svg class="spread" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{label}">{"".join(parts)}</svg>'
    )
