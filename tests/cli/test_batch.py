"""What ``spinekit predict`` says and ends with when batches are stopped, go on, or meet another run."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from spinekit.runs.lock import locked
from spinekit.workflows import predict as workflow
from tests.cli.conftest import Say
from tests.conftest import CHECKOUT, environment
from tests.workflows.batch_films import MODEL, StandIn, write_films

QUICK = ("--model", MODEL, "--no-report", "--no-overlays", "--out", "out")


@pytest.fixture(autouse=True)
def films(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(workflow, "ModelChoice", StandIn)
    return write_films(tmp_path / "films", 5)


def test_a_second_run_ends_with_4_and_names_the_first(say: Say, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    with locked(tmp_path / "out"):
        ended = say("predict", "films", *QUICK)
    assert ended.code == 4
    assert "process" in ended.error()


def test_going_on_says_what_was_done_before(say: Say) -> None:
    assert say("predict", "films", *QUICK).code == 0
    ended = say("predict", "films", *QUICK)
    assert ended.code == 2
    assert "--resume" in ended.error()
    ended = say("predict", "films", *QUICK, "--resume")
    assert ended.code == 0
    assert "5 files were done by an earlier run; nothing is left to do" in ended.err
    ended = say("predict", "films", *QUICK, "--resume", "--spacing", "0.2")
    assert ended.code == 2
    assert "spacing 'from the files', now '0.2x0.2 mm'" in ended.error()
    assert say("predict", "films", *QUICK, "--resume", "--force", "--spacing", "0.2").code == 0


def test_a_failure_ends_the_run_when_it_is_to(say: Say, films: Path) -> None:
    (films / "a" / "film-00002.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    ended = say("predict", "films", *QUICK, "--fail-fast")
    assert ended.code == 1
    assert "left out 3 files -- go on with: --out out --resume" in ended.err
    assert say("predict", "films", *QUICK, "--resume", "--max-failures", "1").code == 1


@pytest.mark.parametrize(
    "words", [("--seconds", "0"), ("--workers", "-1"), ("--max-bytes", "0"), ("--max-failures", "0")]
)
def test_limits_that_cannot_be_end_with_2(say: Say, words: tuple[str, str]) -> None:
    assert say("predict", "films", *QUICK, *words).code == 2


def test_a_file_over_a_limit_is_told_with_the_option_that_raises_it(say: Say) -> None:
    ended = say("predict", "films", *QUICK, "--max-bytes", "100")
    assert ended.code == 3
    assert ended.err.count("-- raise --max-bytes") == 5


CLOSED = """
from spinekit.workflows import predict
from tests.workflows.batch_films import StandIn
predict.ModelChoice = StandIn
from spinekit.cli.app import main
main()
"""


def test_a_reader_that_goes_away_hears_no_complaint(tmp_path: Path) -> None:
    words = [sys.executable, "-c", CLOSED, "predict", str(tmp_path / "films"), *map(str, QUICK), "--json"]
    process = subprocess.Popen(
        words,
        cwd=tmp_path,
        env=environment(CHECKOUT),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    said = process.stderr.read()
    assert process.wait() == 0
    assert said == ""
    assert json.loads((tmp_path / "out" / "run.json").read_text())["counts"]["ok"] == 5
