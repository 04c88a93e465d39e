"""The cache of exported networks: made once, checked each time, never half there, never somebody else's."""

from __future__ import annotations

import os
import subprocess
import sys
import types
from pathlib import Path

import numpy as np
import pytest

from spinekit.core.errors import EnvironmentFaultError
from spinekit.models import graph_store
from spinekit.models.graph import Graph, NetworkFile
from spinekit.models.graph_store import graph_key, stored_graph
from tests.conftest import environment

NETWORK = NetworkFile("close", Path("somewhere/close-1.pt"), "ab" * 32)


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """An exporter that exports nothing, and a list of what was made."""
    keys: list[str] = []

    def make_graph(network: NetworkFile, key: str) -> Graph:
        keys.append(key)
        example, answer = np.arange(6, dtype=np.uint8).reshape(2, 3), np.ones((2, 2), np.float32)
        return Graph(b"graph", {"points": 4, "shape": [[0.5, 1.0]]}, example, (answer, answer * 2), key)

    module = types.ModuleType("export_graph")
    module.make_graph = make_graph  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "spinekit.models.export_graph", module)
    monkeypatch.setenv("SPINEKIT_CACHE", str(tmp_path / "cache"))
    return keys


def the_file(folder: Path) -> Path:
    (found,) = (folder / "cache" / "engines").glob("*.graph")
    return found


def test_a_graph_is_made_once_and_comes_back_whole(
    made: list[str], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "spinekit")
    heard: list[str] = []
    first, second = stored_graph(NETWORK, heard.append), stored_graph(NETWORK, heard.append)
    assert made == [graph_key(NETWORK)]
    assert caplog.messages == ["somewhere/close-1.pt: is prepared for this computer, once"]
    assert heard == []
    assert second.onnx == first.onnx
    assert second.facts == first.facts
    assert second.key == first.key
    np.testing.assert_array_equal(second.example, first.example)
    for one, other in zip(second.answers, first.answers, strict=True):
        np.testing.assert_array_equal(one, other)
    assert the_file(tmp_path).name == f"somewhere-close-1-{first.key}.graph"


def test_other_weights_have_another_graph(made: list[str]) -> None:
    other = NetworkFile("close", NETWORK.path, "cd" * 32)
    assert graph_key(other) != graph_key(NETWORK)
    assert graph_key(NetworkFile("levels", NETWORK.path, NETWORK.sha256)) != graph_key(NETWORK)


@pytest.mark.parametrize("cut", [0, 10, 200, -1])
def test_a_damaged_file_is_never_run_and_is_replaced(made: list[str], tmp_path: Path, cut: int) -> None:
    stored_graph(NETWORK, print)
    path = the_file(tmp_path)
    whole = path.read_bytes()
    path.write_bytes(whole[:cut])
    heard: list[str] = []
    assert stored_graph(NETWORK, heard.append).onnx == b"graph"
    assert "damaged or was changed, so it is made anew" in heard[0]
    assert len(made) == 2
    assert path.read_bytes() == whole


def test_a_changed_byte_is_seen(made: list[str], tmp_path: Path) -> None:
    stored_graph(NETWORK, print)
    path = the_file(tmp_path)
    path.write_bytes(path.read_bytes().replace(b"graph", b"grasp", 2))
    stored_graph(NETWORK, print)
    assert len(made) == 2


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="no rights of this kind here")
@pytest.mark.parametrize("whole", ["folder", "file"])
def test_what_others_may_write_is_not_trusted(made: list[str], tmp_path: Path, whole: str) -> None:
    stored_graph(NETWORK, print)
    path = the_file(tmp_path)
    (path if whole == "file" else path.parent).chmod(0o777)
    heard: list[str] = []
    stored_graph(NETWORK, heard.append)
    assert len(made) == 2
    assert "others may write it" in heard[0]


def test_a_folder_that_cannot_be_made_is_told_and_worked_without(made: list[str], tmp_path: Path) -> None:
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "engines").write_text("a file")
    heard: list[str] = []
    assert stored_graph(NETWORK, heard.append).onnx == b"graph"
    assert stored_graph(NETWORK, heard.append).onnx == b"graph"
    assert len(made) == 2
    assert "networks are prepared anew in every run" in heard[0]


def test_a_folder_that_cannot_be_written_is_told_and_worked_without(
    made: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, content: bytes) -> None:
        raise EnvironmentFaultError(f"{path}: could not be written (No space left on device)")

    monkeypatch.setattr(graph_store, "write_bytes", full)
    heard: list[str] = []
    assert stored_graph(NETWORK, heard.append).onnx == b"graph"
    assert "No space left on device" in heard[-1]


def test_two_at_once_both_get_a_whole_graph(tmp_path: Path) -> None:
    code = """
import sys, types
import numpy as np
from pathlib import Path
from spinekit.models.graph import Graph, NetworkFile
from spinekit.models.graph_store import stored_graph
module = types.ModuleType("export_graph")
def make_graph(network, key):
    return Graph(bytes(3_000_000), {}, np.zeros(2, np.uint8), (np.zeros(2, np.float32),), key)
module.make_graph = make_graph
sys.modules["spinekit.models.export_graph"] = module
for number in range(20):
    network = NetworkFile("close", Path("x/y.pt"), f"{number:064}")
    assert stored_graph(network, lambda line: None).onnx == bytes(3_000_000)
    def amiss(line):
        raise SystemExit(line)
    stored_graph(network, amiss)
"""
    inside = environment() | {"SPINEKIT_CACHE": str(tmp_path)}
    both = [subprocess.Popen([sys.executable, "-c", code], env=inside) for _ in range(2)]
    assert [one.wait(timeout=120) for one in both] == [0, 0]
    assert len(list((tmp_path / "engines").iterdir())) == 20
