"""A slice of the broken files, the same in every run, and the apparatus that reads them all."""

from __future__ import annotations

import runpy
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import CHECKOUT
from tests.mutation.kinds import KINDS
from tests.mutation.trial import READ, REFUSED, SKIPPED, TRACEBACK, mutant, trials

SLICE = {"dicom": 250, "yaml": 100}
FEW = 150
SHIFT = 100_000  # beyond the numbers of the whole run, so that a slice adds to it


@pytest.mark.parametrize("name", KINDS)
def test_broken_files_are_read_or_refused_in_one_line(name: str, tmp_path: Path) -> None:
    numbers = range(SHIFT, SHIFT + SLICE.get(name, FEW))
    outcomes = list(trials(KINDS[name], tmp_path, numbers))
    assert len(outcomes) == len(numbers)
    assert not [outcome for outcome in outcomes if outcome.end == TRACEBACK]
    ends = {outcome.end for outcome in outcomes}
    assert {READ, REFUSED} <= ends, "mutants that are all read, or all refused, show nothing"


def test_a_number_is_the_same_mutant_in_every_run(tmp_path: Path) -> None:
    kind = KINDS["png"]
    seeds = kind.seeds(tmp_path)
    first, second = ([mutant(kind, seeds, number) for number in range(40)] for _ in range(2))
    assert first == second
    assert len({content for _, content in first}) > 30
    assert any(content != seed.content for seed, content in first)


def test_seeds_are_of_many_makers() -> None:
    assert len(KINDS["dicom"].seeds(Path())) >= 100


@pytest.fixture(scope="module")
def benchmark() -> dict[str, Any]:
    return runpy.run_path(str(CHECKOUT / "benchmarks" / "mutants.py"))


def test_a_reader_that_dies_or_never_ends_is_noted_and_the_rest_goes_on(
    benchmark: dict[str, Any], tmp_path: Path
) -> None:
    notes = tmp_path / "dying.jsonl"
    outcomes = benchmark["drive"]("tests.mutation.dying:DYING", 8, notes)
    assert [outcome["number"] for outcome in outcomes] == list(range(8))
    ends = [outcome["end"] for outcome in outcomes]
    assert ends == [READ, "crash", "hang", REFUSED, SKIPPED, TRACEBACK, TRACEBACK, READ]
    assert "SIGABRT" in outcomes[1]["said"]
    assert "a fault of the program" in outcomes[5]["said"]
    assert "unfit to be said" in outcomes[6]["said"]
    again = notes.read_bytes()
    assert benchmark["drive"]("tests.mutation.dying:DYING", 8, notes) == outcomes
    assert notes.read_bytes() == again, "what is noted is not done again"
    assert "| dying | 8 | 2 | 1 | 1 | 2 | 1 | 1 |" in benchmark["table"]({"dying": outcomes})
    assert Counter(ends)[READ] == 2
