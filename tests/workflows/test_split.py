from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spinekit.core.errors import AnnotationError
from spinekit.core.image import UInt8Array
from spinekit.files import bundled
from spinekit.workflows.split import PARTS, part_of, read_split, split, write_split

SHARES = (0.7, 0.1, 0.2)
SETS = ("aasce2019", "ceph_isbi2015", "em_isbi2012", "orbit")


def noise(seed: int) -> UInt8Array:
    return np.random.default_rng(seed).integers(0, 255, (64, 48)).astype(np.uint8)


@given(st.lists(st.text(min_size=1), min_size=1, unique=True), st.text(min_size=1))
def test_a_group_keeps_its_part_whatever_else_is_there(groups: list[str], salt: str) -> None:
    alone = [part_of(group, salt, SHARES) for group in groups]
    films = [(f"{i}.png", group, noise(i)) for i, group in enumerate(groups)]
    assert [part for part, _ in split(films, salt, SHARES).values()] == alone


def test_shares_come_out_on_average() -> None:
    parts = [part_of(str(k), "x", SHARES) for k in range(4000)]
    assert [parts.count(part) / 4000 for part in PARTS] == pytest.approx(SHARES, abs=0.03)


def test_near_duplicates_of_different_groups_stay_together() -> None:
    film = noise(1)
    again = np.clip(film.astype(int) + 3, 0, 255).astype(np.uint8)
    for k in range(20):
        parts = split(
            [("a.png", f"g{k}", film), ("b.png", f"h{k}", again), ("c.png", "z", noise(2))], "s", SHARES
        )
        assert parts["a.png"] == parts["b.png"]


def test_a_table_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "split.csv"
    write_split(path, {"a, b.png": ("train", "g"), "ü.png": ("test", "h")})
    assert read_split(path) == {"a, b.png": "train", "ü.png": "test"}


def test_a_wrong_part_is_named_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "split.csv"
    path.write_text("name,group,part\na.png,g,train\nb.png,h,holdout\n")
    with pytest.raises(AnnotationError, match=r"line 3.*'holdout'"):
        read_split(path)
    with pytest.raises(AnnotationError, match="no split table"):
        read_split(tmp_path / "none.csv")


@pytest.mark.parametrize("name", SETS)
def test_the_fixed_splits_share_no_group(name: str) -> None:
    lines = (bundled("datasets") / name / "split.csv").read_text("utf-8").splitlines()[1:]
    homes: dict[str, set[str]] = {}
    for line in lines:
        _, group, part = line.rsplit(",", 2)
        homes.setdefault(group, set()).add(part)
    assert all(len(parts) == 1 for parts in homes.values())
    assert {part for parts in homes.values() for part in parts} == set(PARTS)
