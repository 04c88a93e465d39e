"""One run a folder: the second is told who holds it, and a dead one holds nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from spinekit.core.errors import EnvironmentFaultError, UsageError
from spinekit.files import sweep_temporaries, write_text
from spinekit.runs import run_folder
from spinekit.runs.lock import LOCK, locked
from tests.conftest import environment

HOLD = """
import sys, time
from pathlib import Path
from spinekit.runs.lock import locked
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def test_the_second_is_told_the_process_of_the_first(tmp_path: Path) -> None:
    with locked(tmp_path), pytest.raises(EnvironmentFaultError, match=rf"process {os.getpid()}\b.*--out"):
        locked(tmp_path).__enter__()
    assert list(tmp_path.iterdir()) == []


def test_the_lock_of_a_killed_process_is_free(tmp_path: Path) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, tmp_path], env=environment(), stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    with pytest.raises(EnvironmentFaultError, match=str(holder.pid)):
        locked(tmp_path).__enter__()
    holder.kill()
    holder.wait()
    assert (tmp_path / LOCK).is_file()
    with locked(tmp_path):
        assert (tmp_path / LOCK).read_text() == f"{os.getpid()}\n"
    assert not (tmp_path / LOCK).exists()


def test_a_lock_of_another_kind_of_file_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("mine")
    (tmp_path / LOCK).symlink_to(tmp_path / "precious")
    with pytest.raises(EnvironmentFaultError):
        locked(tmp_path).__enter__()
    assert (tmp_path / "precious").read_text() == "mine"


def test_a_folder_is_new_or_empty_or_that_of_a_run(tmp_path: Path) -> None:
    out = tmp_path / "deep" / "out"
    with run_folder(out) as folder:
        assert folder == out
        write_text(out / "records.jsonl", "")
    assert [path.name for path in out.iterdir()] == ["records.jsonl"]
    with pytest.raises(UsageError, match=r"not empty.*--resume"):
        run_folder(out).__enter__()
    with run_folder(out, resume=True):
        pass
    (tmp_path / "notes.txt").write_text("mine")
    for resume in (False, True):
        with pytest.raises(UsageError, match="--out"):
            run_folder(tmp_path, resume).__enter__()
    with pytest.raises(UsageError, match="which run"):
        run_folder(None, resume=True).__enter__()
    assert not (tmp_path / LOCK).exists()


def test_what_a_killed_run_left_half_written_is_swept_and_nothing_else(tmp_path: Path) -> None:
    keep = [".hidden", "a.tmp", ".abcdefgh.tmpx", ".short.tmp", "deep/.lock"]
    stale = [".abcdefgh.tmp.png", ".a_cdefg1.tmp", "deep/.abcdefgh.tmp.jsonl"]
    for name in (*keep, *stale):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")
    assert sweep_temporaries(tmp_path) == len(stale)
    left = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()}
    assert left == set(keep)
