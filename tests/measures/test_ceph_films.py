"""Cephalometry on the public films: where the numbers lie, both readers, and a film turned over."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from spinekit.core.measurement import Measurement
from spinekit.core.scene import Scene
from spinekit.core.spacing import Spacing, SpacingOrigin
from spinekit.formats import isbi, labelme
from spinekit.formats.plugin import LabelOptions
from spinekit.measures import measure
from spinekit.schemas import load_schema
from tests.measures.heads import numbers
from tests.measures.scenes import mirrored
from tests.measures.test_ceph_analyses import agree

# Medians of an adult sample must lie here; a wrong sign or a supplement (180 - x) would not.
PLAUSIBLE = {
    "sna": (80, 85), "snb": (77, 83), "anb": (1, 5), "sn_gogn": (28, 37), "sn_gome": (31, 39), "u1_na_mm": (2, 8),
    "l1_nb_mm": (2, 8), "pog_nb_mm": (-3, 4), "facial_angle": (84, 91), "convexity": (0, 9), "ab_plane": (-8, 0),
    "y_axis": (57, 66), "fma": (22, 32), "convexity_mm": (0, 5), "l1_apog_mm": (1, 6), "n_perp_a": (-3, 3),
    "n_perp_pog": (-9, 2), "lower_anterior_height": (55, 75), "u1_a_vertical": (3, 7), "mmpa": (22, 31),
    "lafh_ratio": (53, 58), "jarabak_ratio": (60, 68), "saddle_angle": (118, 128), "articular_angle": (137, 150),
    "gonial_angle": (122, 132), "bjork_sum": (390, 400), "upper_gonial_angle": (46, 55),
    "lower_gonial_angle": (70, 80), "palatal_plane_fh": (-3, 4), "odi": (66, 78), "apdi": (77, 88),
    "mw_isbi": (1, 5),
}  # fmt: skip


def folder(name: str) -> Path:
    root = os.environ.get("SPINEKIT_DATA")
    if not root or not (Path(root) / name).is_dir():
        pytest.skip(f"SPINEKIT_DATA names no folder with {name}")
    return Path(root) / name


def films() -> list[Scene]:
    """The films of the challenge at the 0.1 mm that its papers state."""
    spacing = Spacing(0.1, 0.1, SpacingOrigin.STATED)
    scenes = isbi.read(folder("ceph_isbi2015"), load_schema("ceph-19"))
    return [replace(scene, image=replace(scene.image, spacing=spacing)) for scene in scenes]


def columns(scenes: Iterable[Scene]) -> dict[str, list[float]]:
    found = defaultdict(list)
    for scene in scenes:
        for name, value in numbers(measure(scene, only=tuple(PLAUSIBLE))).items():
            found[name].append(value)
    return found


def test_the_films_of_the_challenge_lie_where_people_do() -> None:
    scenes = films()
    assert len(scenes) == 150
    found = columns(scenes)
    assert set(PLAUSIBLE) <= set(found)
    for name, (low, high) in PLAUSIBLE.items():
        assert len(found[name]) == 150
        assert low <= np.median(found[name]) <= high, name
    # Every film stays within what a face can be.
    assert 60 < min(found["sna"]) <= max(found["sna"]) < 105
    assert 0 < min(found["fma"]) <= max(found["fma"]) < 50
    assert 40 < min(found["jarabak_ratio"]) <= max(found["jarabak_ratio"]) < 90


def test_classes_on_the_films_are_those_that_evaluation_counts() -> None:
    for scene in films()[::5]:
        agree(scene)


def test_a_film_turned_over_gives_the_same_numbers() -> None:
    for scene in films()[::30]:
        plain, over = measure(scene), measure(mirrored(scene))
        for one, other in zip(plain, over, strict=True):
            if isinstance(one, Measurement):
                assert isinstance(other, Measurement)
                assert other.value == pytest.approx(one.value, abs=1e-9), one.name
                assert other.grade == one.grade
            else:
                assert other == one


def test_two_readers_of_the_same_films() -> None:
    root = folder("ceph_hamedan")
    readers = [
        columns(labelme.read(root / name, load_schema("ceph-19"), LabelOptions(notice=lambda _: None)))
        for name in ("labelme_farhadifar", "labelme_mollabashi")
    ]
    for found in readers:
        assert len(found["sna"]) == 6
        for name in ("sna", "snb", "facial_angle", "y_axis", "gonial_angle", "saddle_angle"):
            low, high = PLAUSIBLE[name]
            assert low - 5 <= np.median(found[name]) <= high + 5, name
    differences = {
        name: np.median(np.abs(np.array(readers[0][name]) - np.array(readers[1][name])))
        for name in ("sna", "snb", "anb")
    }
    assert max(differences.values()) < 4  # readers of these films differ by degrees, not by a sign
