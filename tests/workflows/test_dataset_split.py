from __future__ import annotations

import csv
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spinekit.core.errors import UsageError
from spinekit.core.schema import LandmarkDefinition, Schema
from spinekit.files import bundled
from spinekit.workflows.checked_settings import checked
from spinekit.workflows.dataset_split import SplitSettings, split_dataset
from spinekit.workflows.split import PARTS, part_of
from spinekit.workflows.strata import stratum_labels
from tests.formats.annotation_samples import real_data
from tests.workflows.labelled_films import block, data_set, dots

SHAPES = Schema("shapes", 1, "Shapes", "seg", "test", ("L1", "L2", "rare"))
POINTS = Schema("points", 1, "Points", "pose", "test", ("thing",), (), (LandmarkDefinition("p", "a point"),))


@pytest.fixture(scope="module")
def shapes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Forty films of twenty patients; every tenth film shows something rare."""
    names = [f"P{k // 2:02d}_{k % 2}.png" for k in range(40)]
    films = {
        name: [block("L1", 5, 5), *([block("rare", 40, 60)] if k % 10 == 0 else [])]
        for k, name in enumerate(names)
    }
    persons: dict[str, dict[str, float | str]] = {
        name: {"age_years": 20.0 + k, "sex": "FM"[k % 2]} for k, name in enumerate(names)
    }
    return data_set(tmp_path_factory.mktemp("shapes"), SHAPES, films, persons=persons)


def test_without_wishes_a_group_has_the_part_of_its_hash(shapes: Path) -> None:
    rows = split_dataset(SplitSettings(data=shapes, salt="s")).tables[0]
    assert rows == {name: (part_of(name, "s", (0.7, 0.1, 1 - 0.7 - 0.1)), name) for name in rows}
    assert len(rows) == 40


def test_a_table_that_ships_comes_out_again() -> None:
    settings = SplitSettings(
        data=real_data() / "orbit" / "bmp.csv",
        format="via",
        schema_name="orbit-4",
        salt="orbit",
        train=0.6,
        val=0.2,
    )
    rows = split_dataset(settings).tables[0]
    with (bundled("datasets") / "orbit" / "split.csv").open(encoding="utf-8", newline="") as stream:
        shipped = {row["name"]: (row["part"], row["group"]) for row in csv.DictReader(stream)}
    assert {Path(film).name: row for film, row in rows.items()} == shipped


def test_patients_by_a_name_never_part(shapes: Path) -> None:
    report = split_dataset(SplitSettings(data=shapes, salt="s", by=r"^(P\d+)_"))
    homes: dict[str, set[str]] = {}
    for name, (part, group) in report.tables[0].items():
        assert name.startswith(group)
        homes.setdefault(group, set()).add(part)
    assert len(homes) == 20
    assert all(len(parts) == 1 for parts in homes.values())


def test_folds_test_on_every_film_once(shapes: Path) -> None:
    report = split_dataset(SplitSettings(data=shapes, by=r"^(P\d+)_", folds=5))
    assert len(report.tables) == 5
    for part in ("test", "val"):
        told = [name for rows in report.tables for name, (of, _) in rows.items() if of == part]
        assert sorted(told) == sorted(report.tables[0])
    for rows in report.tables:
        groups = {part: {group for of, group in rows.values() if of == part} for part in PARTS}
        assert not groups["train"] & groups["test"]
        assert not groups["val"] & groups["test"]
        assert len(groups["test"]) == 4


def test_strata_come_out_even(shapes: Path) -> None:
    report = split_dataset(SplitSettings(data=shapes, stratify=("classes", "sex"), train=0.5, val=0.25))
    assert report.strata["classes: rare"] == {"train": 2, "val": 1, "test": 1}
    assert report.strata["sex: F"] == {"train": 10, "val": 5, "test": 5}
    assert report.strata["sex: M"] == {"train": 10, "val": 5, "test": 5}
    again = split_dataset(SplitSettings(data=shapes, stratify=("classes", "sex"), train=0.5, val=0.25))
    assert again.tables == report.tables


def test_a_number_is_cut_at_its_quartiles(shapes: Path) -> None:
    report = split_dataset(SplitSettings(data=shapes, stratify=("age_years",), train=0.5, val=0.25))
    assert len(report.strata) == 4
    for held in report.strata.values():
        assert sum(held.values()) == 10
        assert held["train"] == pytest.approx(5, abs=1)


def test_a_column_of_a_table_serves_as_severity(shapes: Path, tmp_path: Path) -> None:
    table = tmp_path / "severity.csv"
    lines = [f"P{k // 2:02d}_{k % 2}.png,{'severe' if k < 8 else 'mild'}" for k in range(40)]
    table.write_text("\n".join(["name,severity", *lines]) + "\n")
    report = split_dataset(
        SplitSettings(data=shapes, stratify=("severity",), table=table, train=0.5, val=0.25)
    )
    assert report.strata["severity: severe"] == {"train": 4, "val": 2, "test": 2}


def test_blocks_of_a_stack_with_a_gap(tmp_path: Path) -> None:
    names = [f"slice {k}.png" for k in range(24)]
    folder = data_set(tmp_path, POINTS, {name: [dots(POINTS, [[k, k]])] for k, name in enumerate(names)})
    report = split_dataset(SplitSettings(data=folder, blocks=6, gap=1))
    rows = report.tables[0]
    assert rows.keys() | set(report.left_out) == set(names)
    assert report.left_out
    order = [names.index(name) for name in rows]
    for before, behind in zip(sorted(order), sorted(order)[1:], strict=False):
        if rows[names[before]][0] != rows[names[behind]][0]:
            assert behind - before == 2


def test_near_duplicates_are_joined_and_told(tmp_path: Path) -> None:
    films = {"a.png": [block("L1", 5, 5)], "b.png": [block("L1", 5, 5)], "c.png": [block("L1", 5, 5)]}
    folder = data_set(tmp_path, SHAPES, films)
    (tmp_path / "b.png").write_bytes((tmp_path / "a.png").read_bytes())
    report = split_dataset(SplitSettings(data=folder))
    assert report.joined == (("a.png", "b.png"),)
    assert report.tables[0]["a.png"] == report.tables[0]["b.png"]
    assert split_dataset(SplitSettings(data=folder, duplicates=False)).joined == ()


def test_a_broken_image_is_told_and_the_others_go_on(tmp_path: Path) -> None:
    folder = data_set(tmp_path, SHAPES, {f"{k}.png": [block("L1", 5, 5)] for k in range(5)})
    (tmp_path / "2.png").write_bytes(b"\x89PNG\r\n\x1a\nbroken")
    report = split_dataset(SplitSettings(data=folder))
    assert len(report.tables[0]) == 4
    assert len(report.failed) == 1
    assert "2.png" in report.failed[0]


def test_what_should_be_doubted_is_said(tmp_path: Path) -> None:
    films = {f"{k}.png": [block("L1", 5, 5)] for k in range(3)}
    folder = data_set(tmp_path, SHAPES, films, groups=dict.fromkeys(films, "ANON"))
    report = split_dataset(SplitSettings(data=folder))
    assert any("all films are of one group" in line for line in report.notices)
    assert any("is empty" in line for line in report.notices)


@pytest.mark.parametrize(
    ("wishes", "word"),
    [
        ({"train": 0.9, "val": 0.1}, "nothing for test"),
        ({"gap": 2}, "--blocks"),
        ({"folds": 99}, "lower --folds"),
        ({"blocks": 99}, "lower --blocks"),
        ({"stratify": ("classs",)}, "did you mean classes"),
        ({"by": "column:x"}, "--table"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(shapes: Path, wishes: dict[str, object], word: str) -> None:
    with pytest.raises(UsageError, match=word) as caught:
        split_dataset(checked(SplitSettings, {"data": shapes, **wishes}))
    assert "\n" not in str(caught.value)


def test_settings_are_strict(shapes: Path) -> None:
    with pytest.raises(UsageError, match="no setting 'fold' -- did you mean folds"):
        checked(SplitSettings, {"data": shapes, "fold": 3})
    with pytest.raises(UsageError, match="folds is 1"):
        checked(SplitSettings, {"data": shapes, "folds": 1})


@given(st.lists(st.one_of(st.floats(-100, 100), st.sampled_from(["", "x"])), min_size=1, max_size=40))
def test_every_film_has_one_word_of_a_number(values: list[float | str]) -> None:
    labels = stratum_labels("n", values)
    assert len(labels) == len(values)
    assert all(len(words) == 1 and words[0].startswith("n: ") for words in labels)
    assert all(
        (words == ("n: unknown",)) == (value == "") for words, value in zip(labels, values, strict=True)
    )


def test_real_masks_by_patient(tmp_path: Path) -> None:
    data = real_data() / "mri_lumbar"
    (tmp_path / "masks").mkdir()
    for name in ("S01_sag32", "S01_sag36", "S07_sag30", "S18_sag40", "S19_sag40", "S22_sag40"):
        (tmp_path / "masks" / f"{name}.png").write_bytes((data / "masks" / f"{name}.png").read_bytes())
    (tmp_path / "masks" / "classes.csv").write_text("value,label\n0,\n1,L1\n2,L2\n3,L3\n4,L4\n5,L5\n")
    settings = SplitSettings(
        data=tmp_path, format="mask", schema_name="vertebrae", images=data / "images", by=r"^(S\d+)_"
    )
    report = split_dataset(settings)
    # Two patients of this set are one: their slices are the same.
    assert report.joined == (("S18", "S19"),)
    assert len({group for _, group in report.tables[0].values()}) == 4
