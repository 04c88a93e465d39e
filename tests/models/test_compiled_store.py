"""The cache of compiled networks: what is not whole, of something else or open to others is never run."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from spinekit.core.errors import EnvironmentFaultError
from spinekit.models import compiled_store
from spinekit.models.compiled_store import keep_network, kept_network

KEY, WHAT = "ab" * 12, "made 1.0 f32 on a processor for (1, 64, 64)"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SPINEKIT_CACHE", str(tmp_path))
    (tmp_path / "engines").mkdir(mode=0o700)
    return tmp_path / "engines"


def the_file(folder: Path) -> Path:
    (found,) = folder.glob("*.compiled")
    return found


def test_what_was_kept_comes_back_whole() -> None:
    assert kept_network(KEY, WHAT) is None
    keep_network(KEY, WHAT, b"one\ntwo\n")
    assert kept_network(KEY, WHAT) == b"one\ntwo\n"


def test_another_network_engine_or_size_finds_nothing() -> None:
    keep_network(KEY, WHAT, b"compiled")
    assert kept_network("cd" * 12, WHAT) is None
    assert kept_network(KEY, WHAT.replace("1.0", "1.1")) is None


@pytest.mark.parametrize("cut", [0, 10, 100, -1])
def test_a_damaged_file_is_nothing_and_is_replaced(folder: Path, cut: int) -> None:
    keep_network(KEY, WHAT, b"compiled" * 9)
    whole = the_file(folder).read_bytes()
    the_file(folder).write_bytes(whole[:cut])
    assert kept_network(KEY, WHAT) is None
    keep_network(KEY, WHAT, b"compiled" * 9)
    assert the_file(folder).read_bytes() == whole


def test_a_file_under_the_name_of_another_is_nothing(folder: Path) -> None:
    keep_network(KEY, WHAT, b"compiled")
    first = the_file(folder)
    keep_network(KEY, "something else", b"else")
    (second,) = set(folder.glob("*.compiled")) - {first}
    first.write_bytes(second.read_bytes())
    assert kept_network(KEY, WHAT) is None


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="no rights of this kind here")
@pytest.mark.parametrize("open_to_all", ["folder", "file"])
def test_what_others_may_write_is_not_trusted(folder: Path, open_to_all: str) -> None:
    keep_network(KEY, WHAT, b"compiled")
    (folder if open_to_all == "folder" else the_file(folder)).chmod(0o777)
    assert kept_network(KEY, WHAT) is None


def test_so_many_sizes_are_kept_and_no_more(folder: Path) -> None:
    for size in range(12):
        keep_network(KEY, f"{WHAT} {size}", b"compiled")
    keep_network("cd" * 12, WHAT, b"of another network")
    assert len(list(folder.glob("*.compiled"))) == 8 + 1
    assert kept_network(KEY, f"{WHAT} 7") == b"compiled"
    assert kept_network(KEY, f"{WHAT} 8") is None


def test_a_full_disk_is_worked_without(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, content: bytes) -> None:
        raise EnvironmentFaultError(f"{path}: could not be written (No space left on device)")

    monkeypatch.setattr(compiled_store, "write_bytes", full)
    keep_network(KEY, WHAT, b"compiled")
    assert kept_network(KEY, WHAT) is None
