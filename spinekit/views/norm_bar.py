"""A value beside a norm as a small drawing: what is usual, the value, its interval."""

from __future__ import annotations

import re
from dataclasses import dataclass

from markupsafe import Markup, escape

from spinekit.core.measurement import Measurement
from spinekit.core.norm import Comparison, NormKind, Verdict

WIDTH, HEIGHT = 132, 20
_REACH = 2.0  # of half the usual range, shown on either side of it at least
_MOST = 5.0  # likewise at most; what lies beyond is drawn at the edge as an arrow
_NUMBER = r"([-\N{MINUS SIGN}]?\d+(?:\.\d+)?)"


@dataclass(frozen=True, slots=True)
class Usual:
    """What is usual.

    Attributes:
        low: Lower bound, or None where there is none.
        high: Upper bound, or None.
        mean: In its middle, or None.
    """

    low: float | None
    high: float | None
    mean: float | None = None


def usual_of(beside: Comparison) -> Usual | None:
    """The range that a norm calls usual for this person; two standard deviations where it has one.

    The numbers are those that `Comparison.expected` tells for this person's age and sex.
    """
    words = beside.expected.replace("\N{MINUS SIGN}", "-")
    if found := re.fullmatch(rf"{_NUMBER} ± {_NUMBER}", words):
        mean, spread = float(found[1]), float(found[2])
        half = 2 * spread if _deviates(beside) else spread
        return Usual(mean - half, mean + half, mean)
    if found := re.fullmatch(rf"{_NUMBER} to {_NUMBER}", words):
        return Usual(float(found[1]), float(found[2]))
    if found := re.fullmatch(rf"up to {_NUMBER}", words):
        return Usual(None, float(found[1]))
    if found := re.fullmatch(rf"from {_NUMBER}", words):
        return Usual(float(found[1]), None)
    return None


def norm_bar(result: Measurement, beside: Comparison, describe: str) -> Markup | None:
    """A bar: the usual range as a band, the mean as a tick, the value as a dot on its 95 % interval.

    Args:
        result: The value.
        beside: One of its norms.
        describe: In words, for those who hear the page or rest on the bar.

    Returns:
        An SVG element, or None where the norm gives no range.
    """
    usual = usual_of(beside)
    if usual is None:
        return None
    left, right = _frame(usual, result)

    def across(value: float) -> float:
        return round(4 + (WIDTH - 8) * (min(max(value, left), right) - left) / (right - left), 1)

    start = across(usual.low if usual.low is not None else left)
    end = across(usual.high if usual.high is not None else right)
    parts = [
        f'<line class="axis" x1="2" x2="{WIDTH - 2}" y1="10" y2="10"/>',
        f'<rect class="usual" x="{start}" y="4" width="{max(end - start, 1):.1f}" height="12" rx="2"/>',
    ]
    if usual.mean is not None:
        parts.append(
            f'<line class="mean" x1="{across(usual.mean)}" x2="{across(usual.mean)}" y1="2" y2="18"/>'
        )
    if result.low is not None and result.high is not None:
        parts.append(
            f'<line class="range" x1="{across(result.low)}" x2="{across(result.high)}" y1="10" y2="10"/>'
        )
    outside = " outside" if beside.verdict in {Verdict.BELOW, Verdict.ABOVE} else ""
    parts.append(_mark(result.value, across(result.value), left, right, outside))
    words = escape(describe)
    return Markup(  # numbers of our own and an escaped text
        f'<svg class="norm" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" role="img" '
        f'aria-label="{words}"><title>{words}</title>{"".join(parts)}</svg>'
    )


def _deviates(beside: Comparison) -> bool:
    """Whether the number behind ± is a standard deviation rather than a tolerance."""
    if beside.norm.kind is NormKind.SD:
        return True
    return any(band.sd is not None for band in beside.norm.bands)


def _frame(usual: Usual, result: Measurement) -> tuple[float, float]:
    """From where to where the bar reaches: the usual range well inside, and the value where that can be."""
    low = usual.low if usual.low is not None else usual.high
    high = usual.high if usual.high is not None else usual.low
    assert low is not None
    assert high is not None
    half = (high - low) / 2 or max(abs(high) / 2, abs(result.value - high) / 2, 1.0)
    middle = (low + high) / 2
    wanted = max(_REACH * half, 1.1 * abs(result.value - middle))
    reach = min(wanted, _MOST * half)
    return middle - reach, middle + reach


def _mark(value: float, x: float, left: float, right: float, kind: str) -> str:
    if left <= value <= right:
        return f'<circle class="value{kind}" cx="{x}" cy="10" r="4"/>'
    way = f"M{x + 4} 5L{x - 4} 10L{x + 4} 15Z" if value < left else f"M{x - 4} 5L{x + 4} 10L{x - 4} 15Z"
    return f'<path class="value{kind}" d="{way}"/>'
