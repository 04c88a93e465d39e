"""Patients across parts, found by group on films as they really come: visits, and a set that names none."""

from __future__ import annotations

import csv
import re
import shutil
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path

import pytest

from spinekit.core.errors import UsageError
from spinekit.core.finding import Finding
from spinekit.workflows.convert import ConvertSettings, convert
from spinekit.workflows.dataset_check import CheckSettings, check
from spinekit.workflows.dataset_split import SplitSettings, split_dataset
from spinekit.workflows.split import write_split
from tests.formats.annotation_samples import real_data


def torn(findings: Iterable[Finding]) -> set[str]:
    return {finding.place for finding in findings if finding.rule.name == "group-in-two-parts"}


def by_turns(path: Path, names: Iterable[str]) -> Path:
    """A table by film, every second one to train on: what a careless division does."""
    write_split(path, {name: (("train", "val")[turn % 2], "") for turn, name in enumerate(names)})
    return path


def several(groups: dict[str, str], names: list[str]) -> set[str]:
    """Groups whose films come to lie in both parts of such a table."""
    parts: dict[str, set[int]] = defaultdict(set)
    for turn, name in enumerate(names):
        parts[groups[name]].add(turn % 2)
    return {group for group, held in parts.items() if len(held) == 2}


@pytest.mark.slow
def test_visits_of_aasce2019(tmp_path: Path) -> None:
    data = real_data() / "aasce2019"
    names = (data / "filenames.csv").read_text(encoding="utf-8").splitlines()
    visits = {name: re.sub(r"-\d\d-[A-Z][a-z]{2}-\d{4}", "", name.rsplit(" ", 2)[0]) for name in names}
    visits = {name: re.match(r".*\d", visit)[0] for name, visit in visits.items()}  # type: ignore[index]
    table = by_turns(tmp_path / "s.csv", names)
    found = torn(check(CheckSettings(data, "aasce", split=table, pixels=False)).findings)
    expected = several(visits, names)
    assert len(expected) > 50
    assert len(found ^ expected) <= 2, found ^ expected  # names with remarks in them
    settings = ConvertSettings(source=data, out=tmp_path / "out", to="yolo", split=table, allow_loss=True)
    with pytest.raises(UsageError, match=r"the labels' group sunhl-1th-\d+ is in two parts: .*--allow-leak"):
        convert(settings)
    assert not (tmp_path / "out").exists()


def test_spine_lateral_names_no_patient(tmp_path: Path) -> None:
    data = real_data() / "spine_lateral"
    report = split_dataset(SplitSettings(data=data, train=0.5, val=0.3))
    assert any("nothing says which films are of one patient" in notice for notice in report.notices)
    write_split(tmp_path / "s.csv", report.tables[0])
    done = convert(
        ConvertSettings(
            source=data, out=tmp_path / "out", to="yolo", split=tmp_path / "s.csv", allow_loss=True
        )
    )
    assert done.images == 10
    assert torn(check(CheckSettings(done.out, pixels=False)).findings) == set()


def few_of_orbit(out: Path, most: int = 12) -> dict[str, str]:
    """A copy of a few slices of heads that have several, with their rows of both tables; series by file."""
    data = real_data() / "orbit"
    with (data / "series.csv").open(newline="", encoding="utf-8") as stream:
        series = {row["file"]: f"series {row['series']}" for row in csv.DictReader(stream)}
    heads = Counter(series.values())
    kept = {file: head for file, head in list(series.items()) if heads[head] > 1}
    kept = dict(list(kept.items())[:most])
    labels = (data / "bmp.csv").read_text(encoding="utf-8").splitlines()
    out.mkdir()
    rows = [line for line in labels[1:] if line.partition(",")[0] in kept]
    (out / "bmp.csv").write_text("\n".join([labels[0], *rows, ""]), encoding="utf-8")
    shutil.copy(data / "series.csv", out)
    for folder in ("train", "valid"):
        (out / folder).mkdir()
        for path in (data / folder).iterdir():
            if path.name in kept:
                shutil.copy(path, out / folder)
    return kept


def test_series_of_orbit(tmp_path: Path) -> None:
    series = few_of_orbit(tmp_path / "orbit")
    data = tmp_path / "orbit"
    sound = split_dataset(
        SplitSettings(data=data, schema_name="orbit-4", duplicates=False, train=0.5, val=0.4)
    )
    names = sorted(sound.tables[0])
    assert len(names) == len(series)
    of_film = {name: series[Path(name).name] for name in names}
    expected = several(of_film, names)
    assert expected
    settings = ConvertSettings(
        source=data, out=tmp_path / "leaky", to="yolo", schema_name="orbit-4", allow_loss=True,
        split=by_turns(tmp_path / "s.csv", names), allow_leak=True,
    )  # fmt: skip
    done = convert(settings)
    told = [remark for remark in done.remarks if "is in two parts" in remark]
    assert {
        head for head in expected if any(f"the labels' group {head} is" in line for line in told)
    } == expected
    # The hashes in the manifest keep what the rows cannot: the check finds as many.
    assert len(torn(check(CheckSettings(done.out, pixels=False)).findings)) == len(expected)
    write_split(tmp_path / "t.csv", sound.tables[0])
    changed = {"out": tmp_path / "sound", "split": tmp_path / "t.csv", "allow_leak": False}
    done = convert(settings.model_copy(update=changed))
    assert done.images == len(names)
    assert torn(check(CheckSettings(done.out, pixels=False)).findings) == set()
