from __future__ import annotations

from dataclasses import replace

import numpy as np

from spinekit.workflows.check_parts import Film, class_faults, part_faults

RANDOM = np.random.default_rng(0)


def film(name: str, part: str, group: str = "", sha256: str = "") -> Film:
    values = RANDOM.normal(size=64)
    return Film(name, part, group, sha256 or name, values / np.linalg.norm(values))


def rules(*films: Film, parts: tuple[str, ...] = ()) -> list[tuple[str, str]]:
    return [(finding.rule.name, finding.file) for finding in part_faults(films, parts, "data")]


def test_sound_parts_are_silent() -> None:
    assert rules(film("a", "train"), film("b", "val"), parts=("train", "val")) == []
    assert rules(film("a", ""), film("b", "")) == []


def test_one_patient_in_two_parts() -> None:
    films = (
        film("a", "train", "P1"),
        film("b", "val", "P1"),
        film("c", "train", "P2"),
        film("d", "train", "P2"),
    )
    (finding,) = part_faults(films, (), "data")
    assert (finding.rule.name, finding.place) == ("group-in-two-parts", "P1")
    assert "train (a)" in finding.why
    assert "val (b)" in finding.why


def test_one_image_in_two_parts_and_twice_in_one() -> None:
    assert rules(film("a", "train", sha256="x"), film("b", "val", sha256="x")) == [
        ("image-in-two-parts", "b")
    ]
    assert rules(film("a", "train", sha256="x"), film("b", "train", sha256="x")) == [("same-image", "b")]
    assert rules(film("a", "", sha256="x"), film("b", "", sha256="x")) == [("same-image", "b")]
    (finding,) = part_faults((film("a", "", "S18", "x"), film("b", "", "S19", "x")), (), "data")
    assert "one is of S18, the other of S19" in finding.why
    assert rules(film("a#0", "", sha256="x"), film("a#1", "", sha256="x")) == []


def test_images_nearly_alike_in_two_parts() -> None:
    one = film("a", "train")
    assert one.likeness is not None
    blurred = one.likeness + 0.002
    alike = replace(film("b", "val"), likeness=blurred / np.linalg.norm(blurred))
    assert rules(one, alike) == [("alike-in-two-parts", "b")]
    assert rules(one, replace(alike, part="train")) == []


def test_a_part_without_films() -> None:
    assert rules(film("a", "train"), parts=("train", "val")) == [("part-empty", "data")]


def test_classes_without_examples_and_untaught_ones() -> None:
    films = [
        replace(film("a", "train"), labels=frozenset({"L1"})),
        replace(film("b", "val"), labels=frozenset({"L1", "L2"})),
    ]
    found = [
        (finding.rule.name, finding.place) for finding in class_faults(films, ("L1", "L2", "L3"), "data")
    ]
    assert found == [("class-not-in-train", "L2"), ("class-without-example", "L3")]
    assert [f.place for f in class_faults([replace(item, part="") for item in films], ("L2",), "d")] == []
