"""Ultralytics' own doors, each tried in the most inviting surroundings: all must be shut.

What a user's machine may hold is laid out: settings with everything switched on, a key of an account, variables
that allow it all, and packages of every integration, which leave a mark where they are imported.
"""

from __future__ import annotations

import importlib.util
import inspect
import json
import os
import pickle
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from spinekit.core.errors import EnvironmentFaultError, SpinekitError
from spinekit.models.starting import find_start
from spinekit.schemas import load_schema
from tests.cli.conftest import Say, say
from tests.conftest import CHECKOUT, environment
from tests.formats.annotation_samples import save_image
from tests.test_privacy import notes, watched

__all__ = ["say"]

INTEGRATIONS = (
    "clearml",
    "comet_ml",
    "dvclive",
    "mlflow",
    "ray",
    "tensorboard",
    "wandb",
    "neptune",
    "sentry_sdk",
)
MARK = "run-by-a-stranger"
ALL_ON = dict.fromkeys(
    ("sync", "clearml", "comet", "dvc", "mlflow", "neptune", "raytune", "tensorboard", "wandb", "hub"), True
)

TRIED = inspect.cleandoc("""
    import json, subprocess, sys

    ASKED = []

    def watch(event, words):
        if event in {"socket.connect", "socket.getaddrinfo", "socket.gethostbyname"}:
            ASKED.append(f"{event} {words}")
            raise OSError("the network is not there")
        if event in {"subprocess.Popen", "os.system", "os.exec", "os.posix_spawn"} and "pip" in str(words):
            ASKED.append(f"{event} {words}")

    sys.addaudithook(watch)
    from spinekit.models.trial import library
    facts = library()

    from ultralytics.engine.trainer import BaseTrainer
    from ultralytics.utils.callbacks.base import add_integration_callbacks, get_default_callbacks
    from ultralytics.utils.checks import check_requirements
    from ultralytics.utils.events import Events, events

    class SomeTrainer:
        callbacks = get_default_callbacks()

    add_integration_callbacks(SomeTrainer)
    facts["called"] = sorted({one.__module__ for each in SomeTrainer.callbacks.values() for one in each})
    facts["tells"] = bool(events.enabled)
    facts["installed"] = bool(check_requirements("a-package-that-is-nowhere>=1"))
    from PIL import Image
    try:
        Image.open("broken.png")
    except OSError as error:
        facts["opened"] = type(error).__name__
    facts["asked"] = ASKED
    facts["loaded"] = sorted(set(sys.argv[1:]) & set(sys.modules))
    print(json.dumps(facts))
""")


@pytest.fixture(scope="module")
def facts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the library does in those surroundings."""
    place = tmp_path_factory.mktemp("doors")
    for name in INTEGRATIONS:
        (place / "site" / name).mkdir(parents=True)
        (place / "site" / name / "__init__.py").write_text(
            f"open({MARK!r}, 'w').close()\n__version__ = '9.9'\n"
        )
    for folder in ("cache", "cache/Ultralytics", "user/Ultralytics"):
        (place / folder).mkdir(parents=True, exist_ok=True)
        (place / folder / "settings.json").write_text(
            json.dumps({**ALL_ON, "api_key": "secret", "uuid": "me"})
        )
    (place / "broken.png").write_text("no picture")
    inviting = {
        "YOLO_OFFLINE": "0", "YOLO_AUTOINSTALL": "1", "YOLO_CONFIG_DIR": str(place / "user"),
        "ULTRALYTICS_SAFE_LOAD": "0", "ULTRALYTICS_API_KEY": "secret", "SPINEKIT_CACHE": str(place / "cache"),
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", TRIED, *INTEGRATIONS],
        cwd=place, env={**environment(place / "site"), **inviting}, capture_output=True, text=True, timeout=240,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    found["marked"] = [path.name for path in place.rglob(MARK)]
    found["theirs"] = json.loads((place / "user" / "Ultralytics" / "settings.json").read_text())
    found["place"] = str(place)
    return found


def test_nothing_is_asked_of_the_network_and_nothing_installed(facts: dict[str, Any]) -> None:
    assert facts["asked"] == []
    assert facts["online"] is False
    assert facts["installs packages"] is False
    assert facts["installed"] is False


def test_nothing_is_told_to_anybody(facts: dict[str, Any]) -> None:
    assert facts["switched on"] == []
    assert facts["tells"] is False
    assert facts["account"] is False


def test_no_integration_is_called_for_its_package_being_there(facts: dict[str, Any]) -> None:
    ours = {"base", "platform"}  # of which the second does nothing without a key of an account
    assert {module.rpartition(".")[2] for module in facts["called"]} <= {*ours, "events"}
    assert facts["marked"] == []
    assert not {"wandb", "clearml", "comet_ml", "mlflow", "dvclive", "neptune", "ray"} & set(facts["loaded"])


def test_settings_are_ours_and_the_users_are_left_alone(facts: dict[str, Any]) -> None:
    assert facts["settings"].startswith(str(Path(facts["place"]) / "cache"))
    assert facts["theirs"] == {**ALL_ON, "api_key": "secret", "uuid": "me"}


def test_weights_are_loaded_without_code_and_pillow_is_left_alone(facts: dict[str, Any]) -> None:
    assert facts["safe loading"] is True
    assert facts["opener replaced"] is False
    assert facts["opened"] == "UnidentifiedImageError"


# --- OpenVINO, whose import alone tells Google of itself, by a process of its own ---

WITH_OPENVINO = "from spinekit.models.environment import load_openvino; load_openvino().convert_model"


@pytest.mark.skipif(importlib.util.find_spec("openvino") is None, reason="openvino is not installed")
def test_openvino_tells_nobody(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", WITH_OPENVINO],
        env={**watched(tmp_path), "HOME": str(tmp_path)}, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert notes(tmp_path) == ""
    assert not (tmp_path / "intel").exists(), "it numbers nobody either"


def test_openvino_is_loaded_by_that_door_alone() -> None:
    for path in (CHECKOUT / "spinekit").rglob("*.py"):
        assert not re.search(r"^\s*(import|from) openvino", path.read_text("utf-8"), re.MULTILINE), path


# --- files that would run code in a training ---


class _Runs:
    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (f"touch {MARK}",)


def yolo_set(folder: Path, data: str = "") -> None:
    """A data set of YOLO whose settings and whose cache of labels would run code."""
    save_image(folder / "images" / "train" / "a.png")
    (folder / "labels" / "train").mkdir(parents=True)
    (folder / "labels" / "train" / "a.txt").write_text("0 0.1 0.1 0.5 0.1 0.5 0.5 0.1 0.5\n")
    with (folder / "labels" / "train.cache").open("wb") as stream:
        np.save(stream, np.array(_Runs(), dtype=object), allow_pickle=True)
    (folder / "data.yaml").write_text(f"path: .\ntrain: images/train\nval: images/train\nnames: [L1]\n{data}")


DOWNLOAD = f"download: \"import os; os.system('touch {MARK}')\"\n"


@pytest.mark.parametrize(
    "words",
    [("convert", "set", "out", "--to", "scenes"), ("dataset", "check", "set"), ("dataset", "stats", "set")],
    ids=lambda words: " ".join(words[:2]),
)
def test_no_code_of_a_data_set_is_run(words: tuple[str, ...], say: Say, tmp_path: Path) -> None:
    yolo_set(tmp_path / "set", DOWNLOAD)
    ended = say(*words)
    assert ended.code in {0, 1, 2}
    assert "Traceback" not in ended.err
    assert not list(tmp_path.rglob(MARK))


def test_a_cache_of_labels_is_no_door(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The mark is real: whoever loads the cache as the library does runs it."""
    monkeypatch.chdir(tmp_path)
    yolo_set(tmp_path / "set")
    np.load(tmp_path / "set" / "labels" / "train.cache", allow_pickle=True).item()
    assert (tmp_path / MARK).exists()


NETWORK = f"""nc: 1
scales: {{n: [0.5, 0.25, 1024]}}
activation: __import__("os").system("touch {MARK}") or torch.nn.SiLU()
backbone: [[-1, 1, Conv, [64, 3, 2]], [-1, 1, Conv, [128, 3, 2]]]
head: [[[0, 1], 1, Detect, [nc]]]
"""


@pytest.mark.parametrize("name", ["evil.yaml", "yolo11n.yaml", "evil.pt"])
def test_a_network_described_in_yaml_is_not_built(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / name).write_text(NETWORK)
    schema = load_schema("orbit-4")
    for model, start in ((name, None), ("yolo11n", Path(name))):
        with pytest.raises(SpinekitError, match=r"not weights, which are a \.pt file"):
            find_start("pose", model, start, schema)
    assert not list(tmp_path.rglob(MARK))


def test_weights_to_begin_from_run_no_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save({"model": _Runs()}, tmp_path / "evil.pt")
    with pytest.raises(EnvironmentFaultError, match="no code in them is run"):
        find_start("pose", "evil.pt", None, load_schema("orbit-4"))
    assert not list(tmp_path.rglob(MARK))
    assert b"touch" in pickle.dumps(_Runs())


@pytest.mark.parametrize(
    "address", ["https://example.org/best.pt", "ul://user/model", "http://127.0.0.1/x.pt"]
)
def test_addresses_are_no_models(address: str, say: Say, tmp_path: Path) -> None:
    save_image(tmp_path / "a.png", 96, 64)
    for words in (("predict", "a.png", "--model", address), ("models", "info", address)):
        ended = say(*words)
        assert ended.code == 2
        assert "nothing is downloaded" in ended.error()
