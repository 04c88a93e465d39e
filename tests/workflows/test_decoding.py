"""Decoding in processes of their own: order, limits, and codecs that crash, hang or eat all memory."""

from __future__ import annotations

import os
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PillowImage

from spinekit.core.errors import ReadError, SkipFile
from spinekit.core.image import Image
from spinekit.formats.plugin import ReadOptions
from spinekit.formats.reading import FoundFile, find_files, read_images
from spinekit.workflows import decoding
from spinekit.workflows.decoding import Decoders, Limits, workers_for
from tests.workflows.batch_films import write_films

# What a codec may do instead of decoding, by the name of the file.
BROKEN = """
import os, time
import spinekit.workflows.decoding_child as child
whole = child.read_images
def read(path, options):
    if "abort" in path.name:
        os.abort()
    if "hang" in path.name:
        while True:
            time.sleep(1)
    if "spin" in path.name:
        sum(range(10**12))
    if "memory" in path.name:
        kept = [bytearray(1 << 28) for _ in range(1 << 12)]
    if "exit" in path.name:
        os._exit(7)
    if "half" in path.name:
        yield next(whole(path, options))
        os.abort()
    yield from whole(path, options)
child.read_images = read
"""


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> None:
    """Decoding processes whose codecs go wrong on files of telling names."""
    start = decoding._START
    paths, loading = start.split("from", 1)
    monkeypatch.setattr(decoding, "_START", f"{paths}exec({BROKEN!r}); from{loading}")
    monkeypatch.setattr(decoding, "_SHARED_MEMORY", 1 << 30)
    monkeypatch.setattr(decoding, "_PIXEL_MEMORY", 0)


def results(files: list[FoundFile], workers: int, seconds: float = 60) -> dict[str, str]:
    """By file: the hashes of its images, or what went wrong."""
    told = {}
    with Decoders(workers, Limits(ReadOptions(), seconds)) as decoders:
        for item in decoders.decoded(files):
            words = []
            for message in item.messages:
                if isinstance(message, Image):
                    words.append(f"{message.ref.name} {message.pixels.sum()}")
                elif message is not None:
                    kind = "skip" if isinstance(message.error, SkipFile) else "fail"
                    words.append(f"{kind}: {message.error.reason} -- {message.error.fix}")
                    assert len(message.sha256) == 64
            told[item.found.name] = "; ".join(words)
    return told


@pytest.fixture
def films(tmp_path: Path) -> list[FoundFile]:
    write_films(tmp_path / "films", 7)
    pages = [PillowImage.fromarray(np.full((40, 40), value, np.uint8)) for value in (1, 2, 3)]
    pages[0].save(tmp_path / "films" / "c.tif", save_all=True, append_images=pages[1:])
    (tmp_path / "films" / "d.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"x" * 90)
    (tmp_path / "films" / "e").write_bytes(b"%PDF-1.7")
    return list(find_files([tmp_path / "films"]))


def test_every_number_of_processes_gives_the_same_in_order(films: list[FoundFile]) -> None:
    here = results(films, 0)
    assert list(here) == [item.name for item in films]
    assert here["c.tif"].count(";") == 2
    assert here["d.png"].startswith("fail: ")
    assert here["e"].startswith("skip: ")
    for workers in (1, 3):
        assert list(results(films, workers).items()) == list(here.items())


def test_what_goes_wrong_costs_its_file_only(films: list[FoundFile], broken: None) -> None:
    folder = films[0].root
    names = ("abort", "exit", "half", "hang", "memory")
    for name in names:
        write_films(folder / name, 1)
        (folder / name / "a" / "film-00000.png").rename(folder / f"{name}.png")
    said = results(list(find_files([folder])), 2, seconds=6)
    assert said["abort.png"] == "fail: the decoder crashed (SIGABRT) -- export the file again from its source"
    assert said["exit.png"].startswith("fail: the decoder crashed (exit code 7)")
    assert said["half.png"].startswith("half.png ")
    assert "; fail: the decoder crashed" in said["half.png"]
    assert said["hang.png"] == "fail: took longer than 6 s to decode -- raise --seconds"
    assert said["memory.png"].startswith("fail: not enough memory")
    whole = results(films, 0)
    assert {name: said[name] for name in whole} == whole


def test_leaving_early_ends_the_processes_at_once(films: list[FoundFile], broken: None) -> None:
    write_films(films[0].root / "x", 1)
    (films[0].root / "x" / "a" / "film-00000.png").rename(films[0].root / "a-hang.png")
    files = list(find_files([films[0].root]))
    began = time.monotonic()
    with Decoders(2, Limits(ReadOptions(), 60)) as decoders:
        next(decoders.decoded(files))
    assert time.monotonic() - began < 20


def test_processes_are_started_for_what_may_crash_or_takes_long(tmp_path: Path) -> None:
    write_films(tmp_path, 4)
    small = list(find_files([tmp_path]))
    assert workers_for(None, small[:3]) == 0
    assert workers_for(None, small) >= 1
    assert workers_for(8, small) == 4
    assert workers_for(0, small) == 0
    (tmp_path / "z.dcm").write_bytes(bytes(128) + b"DICM")
    assert workers_for(None, [item for item in find_files([tmp_path]) if item.name == "z.dcm"]) == 1


def test_large_files_that_take_long_to_decode_get_all_cores(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 4)
    for index in range(6):
        (tmp_path / f"{index}.dcm").write_bytes(bytes(128) + b"DICM" + bytes(3 << 20))
    assert workers_for(None, list(find_files([tmp_path]))) == 4
    write_films(tmp_path, 8)  # most of all files are small now
    assert workers_for(None, list(find_files([tmp_path]))) == 2


def test_limits_name_the_option_that_raises_them(tmp_path: Path) -> None:
    write_films(tmp_path, 1)
    path = tmp_path / "a" / "film-00000.png"
    with pytest.raises(ReadError, match="--max-bytes"):
        next(read_images(path, ReadOptions(max_bytes=100)))
    with pytest.raises(ReadError, match="--max-pixels"):
        next(read_images(path, ReadOptions(max_pixels=100)))
