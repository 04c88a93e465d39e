"""The program can be interrupted at any moment, also while it is still loading."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.conftest import CHECKOUT

LOADED = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # these tests may run in a job that interrupts do not reach
stage = sys.argv.pop(1)
sys.addaudithook(lambda event, words: event == "import" and words[0] == stage and print("up", flush=True))
from spinekit.cli.entry import main
main()
"""


@pytest.mark.parametrize("stage", ["typer", "rich.table", "pydantic", "spinekit.workflows.dataset_stats"])
def test_an_interrupt_while_loading_is_one_line(tmp_path: Path, stage: str) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", LOADED, stage, "dataset", "stats", tmp_path],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == "up\n"
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=60)
    assert process.returncode == 130, told
    assert told.strip() == "interrupted"


def test_the_script_starts_there() -> None:
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))
    assert project["project"]["scripts"]["spinekit"] == "spinekit.cli.entry:main"


def test_nothing_is_loaded_before_the_signal_can_be_taken() -> None:
    words = "import sys; old = set(sys.modules); import spinekit.cli.entry; print(*set(sys.modules) - old)"
    ended = subprocess.run(
        [sys.executable, "-c", words], capture_output=True, text=True, check=True, cwd=CHECKOUT
    )
    assert {name for name in ended.stdout.split() if not name.startswith("spinekit")} <= {"__future__"}
