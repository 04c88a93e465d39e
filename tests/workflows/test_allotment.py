from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spinekit.workflows.allotment import FILMS, allot

SHARES = {"train": 0.7, "val": 0.1, "test": 0.2}

groups = st.dictionaries(
    st.text(min_size=1, max_size=5),
    st.dictionaries(st.sampled_from("abc"), st.integers(1, 4), max_size=3).map(
        lambda kinds: Counter({FILMS: max(kinds.values(), default=1), **kinds})
    ),
    min_size=1,
    max_size=30,
)


@given(groups, st.text())
def test_every_group_has_one_part_and_no_part_stays_empty(held: dict[str, Counter[str]], salt: str) -> None:
    parts = allot(held, SHARES, salt)
    assert parts.keys() == held.keys()
    assert set(parts.values()) <= SHARES.keys()
    if len(held) >= len(SHARES):
        assert set(parts.values()) == SHARES.keys()


@given(groups, st.text(), st.randoms())
def test_the_order_of_the_groups_does_not_matter(
    held: dict[str, Counter[str]], salt: str, chance: object
) -> None:
    names = list(held)
    chance.shuffle(names)  # type: ignore[attr-defined]
    assert allot({name: held[name] for name in names}, SHARES, salt) == allot(held, SHARES, salt)


def test_a_rare_kind_goes_to_every_part() -> None:
    held = {f"common {k}": Counter({FILMS: 1}) for k in range(90)}
    held |= {f"rare {k}": Counter({FILMS: 1, "rare": 1}) for k in range(10)}
    parts = allot(held, SHARES, "x")
    assert Counter(part for name, part in parts.items() if name.startswith("rare")) == {
        "train": 7, "val": 1, "test": 2,
    }  # fmt: skip
    assert Counter(parts.values()) == {"train": 70, "val": 10, "test": 20}


def test_large_groups_do_not_upset_the_shares() -> None:
    held = {f"g{k}": Counter({FILMS: 1 + 9 * (k % 5 == 0)}) for k in range(50)}
    parts = allot(held, SHARES, "x")
    films = Counter[str]()
    for name, part in parts.items():
        films[part] += held[name][FILMS]
    assert films.total() == 140
    assert films["test"] == pytest.approx(28, abs=2)
    assert films["val"] == pytest.approx(14, abs=2)


def test_another_salt_falls_anew() -> None:
    held = {f"g{k}": Counter({FILMS: 1}) for k in range(40)}
    assert allot(held, SHARES, "one") != allot(held, SHARES, "two")
