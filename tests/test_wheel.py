"""The wheel: what a user installs holds all that a first run needs, and works away from the checkout."""

from __future__ import annotations

import inspect
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import spinekit
from spinekit.models.weights import shipped_names
from spinekit.schemas import schema_names
from tests.conftest import CHECKOUT

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout."""
    out = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), str(CHECKOUT)],
        capture_output=True, text=True, timeout=300, check=True,
    )  # fmt: skip
    (built,) = out.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def site(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel installed by itself; its dependencies come from the environment of the tests."""
    folder = tmp_path_factory.mktemp("site")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input", "install", "-q"]
    subprocess.run(
        [*pip, "--no-deps", "--no-index", "--no-compile", "--target", str(folder), str(wheel)],
        capture_output=True, text=True, timeout=300, check=True,
    )  # fmt: skip
    return folder


def test_the_wheel_holds_all_that_a_run_needs(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    models = shipped_names()
    assert models
    bundled = {
        f"spinekit/bundled/weights/{name}/{file}" for name in models for file in ("weights.pt", "card.yaml")
    }
    samples = (CHECKOUT / "datasets" / "samples").iterdir()
    bundled |= {f"spinekit/bundled/datasets/samples/{path.name}" for path in samples}
    bundled |= {f"spinekit/schemas/{name}.yaml" for name in schema_names()}
    bundled |= {
        "spinekit/py.typed",
        "spinekit/views/templates/report.html",
        "spinekit/views/templates/report.css",
    }
    assert bundled <= names
    assert [name for name in names if name.endswith(".dist-info/licenses/LICENSE")]


def test_the_wheel_holds_nothing_else(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0] for name in names} == {
        "spinekit",
        f"spinekit-{spinekit.__version__}.dist-info",
    }
    assert not [name for name in names if name.endswith((".pyc", ".cache", ".npy")) or "spinekit-out" in name]
    assert wheel.stat().st_size < 100 << 20  # the limit of the package index


def test_the_installed_wheel_reads_a_film_away_from_the_checkout(site: Path, tmp_path: Path) -> None:
    code = inspect.cleandoc("""
        import json, sys
        import spinekit
        from spinekit.files import bundled
        from spinekit.models.weights import find_card, shipped_names
        from spinekit.cli.app import main

        facts = {
            "file": spinekit.__file__,
            "path": sys.path,
            "weights": [str(find_card(name).weights) for name in shipped_names()],
        }
        print(json.dumps(facts), flush=True)
        sys.argv = ["spinekit", "predict", str(bundled("datasets") / "samples" / "spine-ap-01.dcm")]
        main()
    """)
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(site)},
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    facts = json.loads(done.stdout.splitlines()[0])
    assert str(CHECKOUT) not in facts["path"]
    inside = site / "spinekit"
    assert Path(facts["file"]) == inside / "__init__.py"
    assert len(facts["weights"]) == len(shipped_names())
    assert all(Path(path).is_relative_to(inside / "bundled" / "weights") for path in facts["weights"])
    out = tmp_path / "spinekit-out" / "1"
    record = json.loads((out / "run.json").read_text("utf-8"))
    assert record["counts"] == {"ok": 1, "abstained": 0, "skipped": 0, "failed": 0}
    assert [path.suffixes for path in (out / "overlays").iterdir()] == [[".dcm", ".png"]]
    assert (out / "report.html").is_file()
    assert {path.name for path in tmp_path.iterdir()} == {"spinekit-out"}


def test_the_console_script_is_installed(site: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [str(site / "bin" / "spinekit"), "--version"],
        cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(site)},
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert done.stdout.splitlines()[0] == f"spinekit {spinekit.__version__}"
