"""``spinekit evaluate`` as a user says it, and what it answers to what cannot be."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from spinekit.formats.scenes import write
from tests.cli.conftest import Say
from tests.workflows.test_evaluate import skull, spine


@pytest.fixture
def both(tmp_path: Path) -> tuple[Path, Path]:
    names = [f"{k}.png" for k in range(5)]
    write([skull(name, (2, 0)) for name in names], tmp_path / "run")
    write([skull(name) for name in [*names, "more.png"]], tmp_path / "labels")
    return tmp_path / "run", tmp_path / "labels"


def test_figures_on_the_terminal(say: Say, both: tuple[Path, Path]) -> None:
    ended = say("evaluate", *both, "--spacing", "0.1")
    assert ended.code == 0, ended.err
    assert "MRE (mm)" in ended.out
    assert "0.2" in ended.out
    assert "1 images of the truth without a prediction, left out: more.png" in ended.err


def test_json_alone_on_standard_output(say: Say, both: tuple[Path, Path]) -> None:
    ended = say("evaluate", *both, "--against", both[0], "--out", "score", "--json")
    assert ended.code == 0, ended.err
    told = json.loads(ended.out)
    assert told["images"] == 5
    assert told["not_predicted"] == ["more.png"]
    (mre,) = [one for one in told["sections"]["landmarks"]["scores"] if one["metric"] == "MRE (px)"]
    assert mre["value"] == pytest.approx(2)
    assert mre["low"] <= mre["value"] <= mre["high"]
    assert told["against"][0]["p_wilcoxon"] is None
    assert "evaluation.html" in told["files"]


def test_a_film_of_another_size_ends_with_1(say: Say, both: tuple[Path, Path], tmp_path: Path) -> None:
    text = (both[0] / "predictions.jsonl").read_text().replace('"height":400', '"height":410', 1)
    (tmp_path / "odd.jsonl").write_text(text)
    ended = say("evaluate", tmp_path / "odd.jsonl", both[1])
    assert ended.code == 1
    assert "failed: 0.png: predicted on 300x410 pixels" in ended.err


@pytest.mark.parametrize(
    ("words", "code", "hint"),
    [
        (("nowhere", "labels"), 2, "nowhere: no such file"),
        (("run", "empty"), 3, "no annotation"),
        (("empty", "labels"), 3, "no annotation"),
        (("run", "labels", "--pred-format", "vai"), 2, "via"),
        (("run", "labels", "--schema", "ceph"), 2, "ceph-"),
        (("run", "labels", "--part", "test"), 2, "--split"),
        (("run", "labels", "--split", "none.csv"), 1, "none.csv"),
        (("run", "labels", "--within", "2,x"), 2, "number"),
        (("run", "labels", "--within", "-1"), 2, "above 0"),
        (("run", "labels", "--missing", "maybe"), 2, "'count' or 'skip'"),
        (("run", "labels", "--spacing", "0"), 2, "0.143"),
        (("run", "labels", "--truth-reader", "nobody"), 2, "no reader is named"),
        (("run", "labels", "--out", "labels"), 2, "not empty"),
        (("run", "spines"), 2, "none of its landmarks"),
        (("run", "others"), 3, "no image in common"),
    ],
)
def test_what_cannot_be(
    say: Say, both: tuple[Path, Path], tmp_path: Path, words: tuple[str, ...], code: int, hint: str
) -> None:
    (tmp_path / "empty").mkdir()
    write([spine("0.png")], tmp_path / "spines")
    write([skull("x.png")], tmp_path / "others")
    ended = say("evaluate", *words)
    assert ended.code == code, ended.err
    assert hint in ended.error()
    assert "--map" not in ended.err.replace("spinekit convert --map", "")
