from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spinekit.core.errors import EnvironmentFaultError
from spinekit.files import atomic_path, bundled, printable, sha256_of, write_text
from spinekit.runs import claim_folder, next_folder


def test_a_file_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "x.txt"
    with pytest.raises(RuntimeError), atomic_path(target) as temporary:  # noqa: PT012
        temporary.write_text("half")
        raise RuntimeError
    assert list(target.parent.iterdir()) == []
    write_text(target, "whole")
    assert target.read_text() == "whole"
    assert [p.name for p in target.parent.iterdir()] == ["x.txt"]


def test_an_old_file_stays_until_the_new_one_is_whole(tmp_path: Path) -> None:
    target = tmp_path / "x.txt"
    write_text(target, "old")
    with pytest.raises(KeyboardInterrupt), atomic_path(target) as temporary:  # noqa: PT012
        temporary.write_text("new")
        raise KeyboardInterrupt
    assert target.read_text() == "old"


def test_a_place_that_cannot_be_written_is_said_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(EnvironmentFaultError, match="--out"):
        write_text(tmp_path / "file" / "x.txt", "")


@given(st.text())
def test_printable_names_hold_no_control_characters(name: str) -> None:
    shown = printable(name)
    assert "\x1b" not in shown
    assert "\n" not in shown
    assert "\u202e" not in shown
    shown.encode()


def test_sha256(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"abc")
    assert sha256_of(tmp_path / "x").startswith("ba7816bf")


def test_what_ships_is_found() -> None:
    assert (bundled("datasets") / "samples" / "card.yaml").is_file()


def test_run_folders_count_up_and_never_overwrite(tmp_path: Path) -> None:
    assert [next_folder(tmp_path / "out").name for _ in range(3)] == ["1", "2", "3"]
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").write_text("")
    with pytest.raises(Exception, match="not empty"):
        claim_folder(tmp_path / "full")
    assert claim_folder(tmp_path / "new").is_dir()
    assert list((tmp_path / "new").iterdir()) == []
