"""Engines: found, refused in one line, and in agreement with torch; without them all works."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from spinekit.core.errors import EnvironmentFaultError, UsageError
from spinekit.core.image import Image
from spinekit.core.outline import to_mask
from spinekit.files import bundled
from spinekit.formats.plugin import ReadOptions
from spinekit.formats.reading import read_images
from spinekit.models import computed
from spinekit.models.computed import EngineChoice, open_network, relative_difference
from spinekit.models.engines import openvino_engine, registry
from spinekit.models.engines.plugin import AUTO, Computing, Engine, Run
from spinekit.models.engines.registry import check_engine, engines, installed
from spinekit.models.graph import Graph, NetworkFile, first_network
from spinekit.models.load import load_reader
from spinekit.models.weights import find_card
from tests.conftest import environment

SAMPLES = bundled("datasets") / "samples"
OTHERS = [engine.name for engine in engines() if engine.open_graph is not None]


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SPINEKIT_CACHE", str(folder))
        yield folder


def film(name: str) -> Image:
    return next(iter(read_images(SAMPLES / name, ReadOptions())))


def test_every_module_with_an_engine_is_found_in_order() -> None:
    assert [engine.name for engine in engines()] == ["openvino", "onnx", "torch"]
    assert all("f32" in engine.precisions for engine in engines())
    assert all((engine.open_graph is None) != (engine.open_weights is None) for engine in engines())


@pytest.mark.parametrize(
    ("name", "precision", "message"),
    [
        ("tensorrt", "f32", "--engine tensorrt: not known -- choose of auto, openvino, onnx, torch"),
        ("auto", "f16", "--precision f16: not known -- choose of f32, bf16"),
        ("onnx", "bf16", "--engine onnx --precision bf16: not offered -- bf16 is by openvino, torch"),
    ],
)
def test_what_cannot_be_is_refused(name: str, precision: str, message: str) -> None:
    with pytest.raises(UsageError, match=f"^{message}$"):
        check_engine(name, precision)


def test_an_absent_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(
        EnvironmentFaultError, match="onnxruntime is not installed -- pip install onnxruntime"
    ):
        check_engine("onnx", "f32")


@pytest.mark.parametrize("name", OTHERS)
def test_landmarks_agree_with_torch(name: str, cache: Path) -> None:
    """First looks, mirrored, and close looks."""
    engine = next(engine for engine in engines() if engine.name == name)
    if not installed(engine):
        pytest.skip(f"{engine.package} is not installed")
    image = film("orbit-02.png")
    found = []
    for each in ("torch", name):
        reader = load_reader("orbit-pose", EngineChoice(each))
        assert reader.engine.startswith(f"{each} ")
        scene = reader.look_closer(reader.read(image), image)
        found.append([item.landmarks.xy for item in scene.instances[:1] if item.landmarks is not None])
    assert found[0]
    np.testing.assert_allclose(found[1], found[0], atol=0.05)


@pytest.mark.parametrize("name", OTHERS)
def test_masks_agree_with_torch(name: str, cache: Path) -> None:
    engine = next(engine for engine in engines() if engine.name == name)
    if not installed(engine):
        pytest.skip(f"{engine.package} is not installed")
    image = film("spine-ap-02.png")
    truth, found = (
        load_reader("spine-ap-seg", EngineChoice(each)).read(image).instances for each in ("torch", name)
    )
    assert len(truth) == len(found) > 5
    for one, other in zip(truth, found, strict=True):
        assert one.outline is not None
        assert other.outline is not None
        a, b = (to_mask(shape, *image.pixels.shape) for shape in (one.outline, other.outline))
        assert (a & b).sum() > 0.999 * (a | b).sum()
        assert one.level_shares == pytest.approx(other.level_shares, abs=1e-3)


@pytest.mark.parametrize("name", OTHERS)
def test_pixels_agree_with_torch(name: str, cache: Path) -> None:
    engine = next(engine for engine in engines() if engine.name == name)
    if not installed(engine):
        pytest.skip(f"{engine.package} is not installed")
    network = first_network(find_card("em-sem"))
    pictures = np.random.default_rng(3).integers(0, 255, (2, 64, 96), np.uint8)
    answers = [open_network(network, EngineChoice(each))(pictures) for each in ("torch", name)]
    assert answers[0][0].shape == (2, 2, 64, 96)
    assert relative_difference(*answers) < 1e-4


@pytest.mark.parametrize("name", OTHERS)
def test_films_at_once_get_the_answers_of_films_in_turn(name: str, cache: Path) -> None:
    """To the last bit, whatever the sizes: a run is the same on any number of cores."""
    engine = next(engine for engine in engines() if engine.name == name)
    if not installed(engine):
        pytest.skip(f"{engine.package} is not installed")
    file = first_network(find_card("em-sem"))
    rng = np.random.default_rng(4)
    pictures = [rng.integers(0, 255, (1, 64, 64 + 32 * (index % 2)), np.uint8) for index in range(8)]
    in_turn = [open_network(file, EngineChoice(name, threads=2))(picture) for picture in pictures]
    several = open_network(file, EngineChoice(name, threads=2, at_once=2))
    with ThreadPoolExecutor(4) as threads:
        at_once = list(threads.map(several, pictures))
    for one, other in zip(in_turn, at_once, strict=True):
        np.testing.assert_array_equal(one[0], other[0])


def test_a_compiled_network_is_read_back_and_a_broken_one_compiled_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if importlib.util.find_spec("openvino") is None:
        pytest.skip("openvino is not installed")
    monkeypatch.setenv("SPINEKIT_CACHE", str(tmp_path))
    file, picture = first_network(find_card("em-sem")), np.zeros((1, 64, 64), np.uint8)
    (expected,) = open_network(file, EngineChoice("openvino"))(picture)
    read_back = list((tmp_path / "engines").glob("*.compiled"))
    assert len(read_back) == 2  # of the picture that engines are judged by, and of this one
    (found,) = open_network(file, EngineChoice("openvino"))(picture)
    np.testing.assert_array_equal(found, expected)
    monkeypatch.setattr(openvino_engine, "kept_network", lambda key, what: b"not a network")
    (found,) = open_network(file, EngineChoice("openvino"))(picture)
    np.testing.assert_array_equal(found, expected)


def test_the_light_way_loads_neither_torch_nor_ultralytics(cache: Path, tmp_path: Path) -> None:
    if not any(installed(engine) for engine in engines() if engine.name in OTHERS):
        pytest.skip("no engine but torch is installed")
    load_reader("orbit-pose")
    code = """
        import sys
        import spinekit
        run = spinekit.predict(sys.argv[1], model="orbit-pose", out=sys.argv[2], overlays=False, report=False)
        assert run.record.counts()["ok"] == 1, run.record.files
        heavy = {"torch", "torchvision", "ultralytics", "supervision", "matplotlib", "scipy"} & set(sys.modules)
        assert not heavy, heavy
    """
    lines = "\n".join(line.strip() for line in code.strip().splitlines())
    words = [sys.executable, "-c", lines, str(SAMPLES / "orbit-02.png"), str(tmp_path / "out")]
    inside = environment() | {"SPINEKIT_CACHE": str(cache)}
    subprocess.run(words, env=inside, check=True, timeout=120)


def test_without_other_engines_torch_computes(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(computed, "installed", lambda engine: engine.name == "torch")
    assert load_reader("orbit-pose", refine=False).engine.startswith("torch ")


def made_engine(name: str, order: int, opened: Run | Exception) -> Engine:
    def open_graph(graph: Graph, computing: Computing) -> Run:
        if isinstance(opened, Exception):
            raise opened
        return opened

    return Engine(name, name, "numpy", order, ("f32",), open_graph)


@pytest.mark.parametrize(
    ("opened", "reason"),
    [
        (
            ImportError("libgomp.so.1: no such file"),
            "made: cannot compute this network .ImportError: libgomp",
        ),
        (lambda pixels: (np.zeros((1, 17, 9), np.float32),), "answers differ from torch's by inf"),
    ],
)
def test_an_engine_that_fails_or_disagrees_is_passed_over_aloud(
    opened: Run | Exception, reason: str, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = (made_engine("made", 1, opened), *engines())
    monkeypatch.setattr(computed, "engines", lambda: known)
    monkeypatch.setattr(registry, "engines", lambda: known)
    network, heard = first_network(find_card("orbit-pose")), list[str]()
    found = open_network(network, EngineChoice(AUTO, notice=heard.append))
    assert not found.engine.startswith("made")
    assert any(line.startswith("made") and line.endswith("; another engine is taken") for line in heard)
    with pytest.raises(EnvironmentFaultError, match=reason):
        open_network(network, EngineChoice("made"))


def test_answers_of_another_shape_or_without_a_value_never_agree() -> None:
    right = (np.ones((2, 3), np.float32),)
    assert relative_difference(right, right) == 0
    assert relative_difference(right, (np.ones((3, 2), np.float32),)) == float("inf")
    assert relative_difference(right, (np.full((2, 3), np.nan, np.float32),)) == float("inf")


def test_a_batch_of_one_and_of_many_give_the_same(cache: Path) -> None:
    """What a GPU computes at once, a processor computes one by one."""
    reader = load_reader("orbit-pose", EngineChoice("torch"), refine=False)
    image = film("orbit-02.png")
    alone = reader.read(image)
    network = reader._network  # type: ignore[attr-defined]
    reader._network = replace(network, batch=4)  # type: ignore[attr-defined]
    together = reader.read(image)
    for one, other in zip(alone.instances, together.instances, strict=True):
        assert one.landmarks is not None
        assert other.landmarks is not None
        np.testing.assert_allclose(one.landmarks.xy, other.landmarks.xy, atol=1e-2)


def test_a_network_file_of_another_kind_is_refused(tmp_path: Path, cache: Path) -> None:
    (tmp_path / "weights.pt").write_bytes(b"text")
    with pytest.raises(EnvironmentFaultError, match="not a model that can be loaded safely"):
        open_network(NetworkFile("yolo", tmp_path / "weights.pt", "0" * 64, "pose"), EngineChoice("torch"))
