"""Sharing out groups so that every part gets its share of everything, by no chance but a hash."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from hashlib import sha256

FILMS = ""
"""The label that every film has."""


def rank(salt: str, name: str) -> bytes:
    """Orders names anew for every salt, the same on every machine."""
    return sha256(f"{salt}/{name}".encode("utf-8", "surrogatepass")).digest()


def allot(groups: Mapping[str, Counter[str]], shares: Mapping[str, float], salt: str) -> dict[str, str]:
    """A part for each group, so that each part's share of every label comes near what it should be.

    Iterative stratification (Sechidis, Tsoumakas and Vlahavas, 2011) over whole groups: the rarest label is
    shared out first, its largest groups first, each to the part that lacks it most. Where there are as many
    groups as parts, no part stays empty. Unlike `spinekit.workflows.split.part_of`, a group's part depends
    on the others: the table is to be kept, not computed anew.

    Args:
        groups: How many films of each label a group holds; the label `FILMS` counts them all.
        shares: Of each part; they add up to 1.
        salt: Decides between equals.
    """
    totals: Counter[str] = Counter()
    for counts in groups.values():
        totals.update(counts)
    lacks = {
        part: {label: share * total for label, total in totals.items()} for part, share in shares.items()
    }
    parts: dict[str, str] = {}
    for label in sorted(totals, key=lambda label: (label == FILMS, totals[label], label)):
        waiting = [name for name, counts in groups.items() if counts[label] and name not in parts]
        for name in sorted(waiting, key=lambda name: (-groups[name][label], rank(salt, name))):
            part = max(shares, key=lambda part: (lacks[part][label], lacks[part].get(FILMS, 0.0)))
            parts[name] = part
            for held, count in groups[name].items():
                lacks[part][held] -= count
    _fill_empty(parts, groups, shares)
    return {name: parts[name] for name in groups}


def _fill_empty(
    parts: dict[str, str], groups: Mapping[str, Counter[str]], shares: Mapping[str, float]
) -> None:
    """Gives each empty part the smallest group of the part that has the most."""
    for part, share in shares.items():
        if share <= 0 or part in parts.values():
            continue
        homes = Counter(parts.values())
        richest = max(homes, key=lambda home: homes[home], default=part)
        if homes[richest] < 2:
            return
        moved = min((name for name in parts if parts[name] == richest), key=lambda name: groups[name][FILMS])
        parts[moved] = part
