"""The layers: who may import whom, what may import which library, and what is loaded late."""

from __future__ import annotations

import ast
import inspect
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.conftest import CHECKOUT, environment

PACKAGE = CHECKOUT / "spinekit"
BASE = {"core", "files", "schemas"}
SIBLINGS = {"formats", "models", "anatomy", "measures", "metrics", "views", "phantoms", "runs"}
TOP = {"workflows", *SIBLINGS, *BASE}

# part: the parts below it. `version` is the line in spinekit/__init__.py, which stands above nothing.
LAYERS: dict[str, set[str]] = {
    "core": set(),
    "files": {"core"},
    "schemas": {"core", "files"},
    **{part: set(BASE) for part in SIBLINGS},
    "workflows": {*SIBLINGS, *BASE, "version"},
    "api": TOP,
    "cli": {*TOP, "api", "review", "version"},
    "review": {*TOP, "version"},
    "__init__": {"api"},
}

FREE = {"numpy", "scipy", "cv2", "PIL"}  # above core and files

# Libraries that are heavy, or that read what strangers wrote: each has one door.
DOORS: dict[str, set[str]] = {
    library: set(doors)
    for libraries, doors in (
        ("yaml", ("schemas",)),
        ("pydicom highdicom defusedxml xlsxwriter", ("formats",)),
        ("ultralytics torch torchvision openvino onnx onnxruntime", ("models",)),
        # Ultralytics brings matplotlib along; its private surroundings borrow the fonts.
        ("matplotlib", ("views", "models/environment")),
        ("supervision jinja2 markupsafe isal", ("views",)),
        ("pycocotools skimage", ("metrics",)),
        ("starlette fastapi uvicorn", ("review",)),
        ("pydantic packaging", ("workflows",)),
        ("typer rich", ("cli",)),
    )
    for library in libraries.split()
}

LATE = (
    "torch", "torchvision", "ultralytics", "cv2", "scipy", "PIL", "pydicom", "highdicom", "supervision",
    "matplotlib", "jinja2", "yaml", "skimage", "pycocotools", "starlette", "fastapi", "uvicorn",
)  # fmt: skip

BANNED_WORDS = {"utils", "util", "helpers", "helper", "manager", "process", "handle"}


class Import(NamedTuple):
    """One imported name and where it stands."""

    module: str  # posix path below the package, without suffix
    line: int
    target: str  # dotted, e.g. spinekit.core.image.Image

    @property
    def part(self) -> str:
        return self.module.split("/")[0]

    @property
    def where(self) -> str:
        return f"spinekit/{self.module}.py:{self.line} imports {self.target}"


def modules() -> list[Path]:
    return sorted(path for path in PACKAGE.rglob("*.py") if "bundled" not in path.parts)


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def imports() -> Iterator[Import]:
    """Every import of the package, late ones and those for type checking included."""
    for path in modules():
        module = path.relative_to(PACKAGE).with_suffix("").as_posix()
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    yield Import(module, node.lineno, alias.name)
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{path}:{node.lineno}: relative import"
                for alias in node.names:
                    yield Import(module, node.lineno, f"{node.module}.{alias.name}")


def part_of(target: str) -> str:
    """The part that a dotted name below spinekit belongs to."""
    names = target.split(".")
    return "version" if names[1] == "__version__" else names[1]


def test_every_part_has_a_place_in_the_table() -> None:
    parts = {path.relative_to(PACKAGE).with_suffix("").parts[0] for path in modules()}
    parts.discard("__main__")
    assert parts <= set(LAYERS), f"not in the layer table: {sorted(parts - set(LAYERS))}"


def test_imports_point_downwards() -> None:
    wrong = [
        found.where
        for found in imports()
        if found.target.startswith("spinekit.")
        and (to := part_of(found.target)) != found.part
        and to not in LAYERS[found.part]
    ]
    assert not wrong, "\n".join(wrong)


def test_libraries_come_in_by_their_own_door() -> None:
    wrong = []
    for found in imports():
        library = found.target.split(".")[0]
        if library == "spinekit" or library in sys.stdlib_module_names:
            continue
        if library in FREE:
            allowed = found.part != "files" and (found.part != "core" or library == "numpy")
        else:
            doors = DOORS.get(library, set())
            allowed = found.part in doors or found.module in doors
        if not allowed:
            wrong.append(found.where)
    assert not wrong, "\n".join(wrong)


def test_module_names_say_what_they_hold() -> None:
    wrong = [path for path in modules() if set(path.stem.split("_")) & BANNED_WORDS]
    wrong += [path for path in PACKAGE.rglob("*") if path.is_dir() and path.name in BANNED_WORDS]
    assert not wrong


def test_public_functions_name_their_arguments() -> None:
    wrong = []
    for path in modules():
        for node in ast.walk(tree(path)):
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) or node.args.kwarg is None:
                continue
            if not node.name.startswith("_"):
                wrong.append(f"{path}:{node.lineno}: {node.name}(**{node.args.kwarg.arg})")
    assert not wrong, "\n".join(wrong)


def loaded_after(code: str) -> set[str]:
    """Which of the late libraries are loaded when some code has run in a fresh interpreter."""
    report = f"\nimport sys\nprint('LOADED', *sorted(set(sys.modules) & {set(LATE)!r}))"
    done = subprocess.run(
        [sys.executable, "-c", code + report],
        env=environment(), capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    return set(done.stdout.rsplit("LOADED", 1)[1].split())


def test_importing_spinekit_loads_no_library() -> None:
    code = "import spinekit, sys\nassert not {'numpy', 'pydantic', 'typer'} & set(sys.modules)"
    assert loaded_after(code) == set()


def test_help_and_version_load_no_library() -> None:
    code = inspect.cleandoc("""
        import typer
        from spinekit.cli.app import app

        def walk(command, path):
            yield path
            for name, below in getattr(command, "commands", {}).items():
                yield from walk(below, (*path, name))

        paths = list(walk(typer.main.get_command(app), ()))
        assert ("predict",) in paths and ("models", "info") in paths
        for arguments in [*((*path, "--help") for path in paths), ("--version",)]:
            try:
                app(list(arguments))
            except SystemExit as end:
                assert end.code == 0, (arguments, end.code)
    """)
    assert loaded_after(code) == set()


@pytest.mark.parametrize("part", sorted(SIBLINGS))
def test_a_part_stands_without_its_siblings(part: str) -> None:
    """What the syntax trees say, seen once more in a running interpreter."""
    if not (PACKAGE / part).is_dir() and not (PACKAGE / f"{part}.py").is_file():
        pytest.skip(f"there is no {part} yet")
    code = (
        f"import sys, spinekit.{part}\nprint('PARTS', *(n for n in sys.modules if n.startswith('spinekit.')))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=environment(), capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    parts = {name.split(".")[1] for name in done.stdout.rsplit("PARTS", 1)[1].split()}
    assert parts <= {part, *BASE}
