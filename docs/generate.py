"""Writes docs/reference: what commands, formats, schemas, measurements and models say of themselves.

Run it after changing any of them: ``python docs/generate.py``. A test holds the pages against it.
"""

from __future__ import annotations

import functools
import inspect
import re
import runpy
import sys
import typing
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

CHECKOUT = Path(__file__).resolve().parent.parent
REFERENCE = CHECKOUT / "docs" / "reference"
NOTE = "<!-- Made by docs/generate.py: change what it reads, not this page. -->\n\n"
UNITS = {"length": "mm, or px without a spacing", "ratio": "-"}
KINDS = {"Path": "PATH", "int": "N", "float": "NUMBER", "str": "TEXT"}


class Command(NamedTuple):
    """A command of the console script."""

    path: str
    command: Any
    callback: Any


def commands() -> Iterator[Command]:
    """Every command that does something, in the order of the help."""
    import typer

    from spinekit.cli.app import app

    def walk(command: Any, path: str) -> Iterator[Command]:  # noqa: ANN401  (typer names no type)
        below = getattr(command, "commands", None)
        if below is None:
            yield Command(path, command, inspect.unwrap(command.callback))
        for name, child in (below or {}).items():
            yield from walk(child, f"{path} {name}")

    yield from walk(typer.main.get_command(app), "spinekit")


def _cell(text: object) -> str:
    return " ".join(str(text).replace("|", "\\|").split())


def _table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(_cell(cell) for cell in line)} |\n" for line in lines)


def _kind(annotation: object) -> str:
    """The word for what an option takes, from its type."""
    for part in (annotation, *typing.get_args(annotation)):
        name = getattr(part, "__name__", "")
        if name in KINDS:
            return KINDS[name]
    return "TEXT"


def _default(parameter: Any) -> str:  # noqa: ANN401  (typer names no type)
    shown = getattr(parameter, "show_default", None)
    if isinstance(shown, str):
        return f"`{shown}`"
    value = parameter.default
    if isinstance(value, bool):
        both = parameter.opts[0], (parameter.secondary_opts or ["off"])[0]
        return f"`{both[not value]}`"
    return f"`{value}`" if isinstance(value, (str, int, float, Path)) and str(value) else "-"


def commands_page() -> str:
    """All commands with their arguments and options."""
    parts = [
        NOTE,
        "# Commands\n\n",
        "`spinekit --version` prints the version, `--help` after any command its options.\n",
    ]
    for path, command, callback in commands():
        hints = typing.get_type_hints(callback) if callback else {}
        arguments, options = [], []
        for parameter in command.params:
            if parameter.name == "help" or getattr(parameter, "hidden", False):
                continue
            words = getattr(parameter, "help", "") or ""
            if parameter.opts[0].startswith("-"):
                names = ", ".join(f"`{name}`" for name in (*parameter.opts, *parameter.secondary_opts))
                if not getattr(parameter, "is_flag", False):
                    names += f" {parameter.metavar or _kind(hints.get(parameter.name))}"
                options.append((names, words, _default(parameter)))
            else:
                word = (parameter.metavar or parameter.name).upper()
                arguments.append((f"`{word}`" + ("" if parameter.required else " (may be left out)"), words))
        parts.append(f"\n## {path}\n\n{inspect.cleandoc(command.help or '')}\n")
        if arguments:
            parts.append("\n" + _table(("argument", "meaning"), arguments))
        if options:
            parts.append("\n" + _table(("option", "meaning", "default"), options))
    return "".join(parts)


def formats_page() -> str:
    """Image and annotation formats, and what each keeps."""
    from spinekit.formats.plugin import KEEPABLE
    from spinekit.formats.registry import annotation_formats, image_formats

    images = [(f"`{f.name}`", f.title, " ".join(f"`{s}`" for s in f.suffixes)) for f in image_formats()]
    labels = [
        (
            f"`{f.name}`",
            f.title,
            "yes" if f.read else "-",
            "yes" if f.write else "-",
            ", ".join(what if what in f.keeps else f"{what}*" for what in KEEPABLE if what in f.may_keep)
            or "-",
        )
        for f in annotation_formats()
    ]
    return (
        f"{NOTE}# Formats\n\n## Images\n\nThe content of a file decides what it is, never its name.\n\n"
        + _table(("name", "what it is", "usual suffixes"), images)
        + "\n## Annotations\n\n`read` formats are taken by `convert`, `train` and `dataset`, "
        "`write` formats by `convert --to` and `predict --save`. What a format does not keep is lost when it "
        "is written; what it keeps under some tasks only has a star, and `spinekit formats NAME` says which.\n\n"
        + _table(("name", "what it is", "read", "write", "keeps"), labels)
        + "\n## What can be kept\n\n"
        + _table(("word", "means"), [(f"`{what}`", words) for what, words in KEEPABLE.items()])
    )


def schemas_page() -> str:
    """Landmark and class sets."""
    from spinekit.schemas import load_schema, schema_names

    parts = [
        NOTE,
        "# Landmark and class sets\n\nOne YAML file each in `spinekit/schemas`; "
        "a path to a file of your own is taken wherever a name is.\n",
    ]
    for name in schema_names():
        schema = load_schema(name)
        parts.append(
            f"\n## {name}\n\n{schema.title}. "
            f"Version {schema.version}, task `{schema.task}`, view: {schema.view}.\n"
        )
        parts.append(f"\nClasses: {', '.join(f'`{c}`' for c in schema.classes)}.\n")
        if schema.levels and schema.levels != schema.classes:
            parts.append(f"\nLevels, named in sequence: {', '.join(schema.levels)}.\n")
        if schema.landmarks:
            rows = [(f"`{p.name}`", p.definition, ", ".join(p.aliases)) for p in schema.landmarks]
            parts.append("\n" + _table(("point", "where it lies", "also called"), rows))
    return "".join(parts)


@functools.cache
def _measurement_pages() -> dict[str, str]:
    """From the script beside this one."""
    beside = runpy.run_path(str(Path(__file__).resolve().with_name("measurement_pages.py")))
    made: dict[str, str] = beside["measurement_pages"](NOTE)
    return made


def bad_input_page() -> str:
    """What bad input ends with, from the catalogue of the tests."""
    beside = runpy.run_path(str(Path(__file__).resolve().with_name("bad_input_page.py")))
    made: str = beside["bad_input_page"](NOTE)
    return made


def measurements_page() -> str:
    """An index of the measurements by schema; each has a section of its own below ``measurements/``."""
    from spinekit.measures import group_names
    from spinekit.measures.plugin import code_measurements
    from spinekit.schemas import load_schema, schema_names

    places = {
        line.removeprefix("## "): path
        for path, text in _measurement_pages().items()
        for line in text.splitlines()
        if line.startswith("## ")
    }

    def link(name: str) -> str:
        return f"[`{name}`]({places[name]}#{name})"

    parts = [
        NOTE,
        "# Measurements\n\nA measurement whose points are missing is refused with its reason; it is never a zero. "
        "How values, intervals, grades and norms are to be read: [measuring](../measuring.md).\n",
    ]
    for name in schema_names():
        schema = load_schema(name)
        rows = [
            (link(m.name), UNITS.get(m.unit, m.unit), m.definition, ", ".join(m.groups))
            for m in schema.measurements
        ]
        for wanted in schema.code_measurements:
            found = code_measurements()[wanted]
            unit = ", ".join(UNITS.get(one.strip(), one.strip()) for one in found.unit.split(","))
            rows.append((link(found.name), unit, found.title, ", ".join(found.groups)))
        parts.append(f"\n## {name}\n\n")
        groups = ", ".join(f"`{group}`" for group in group_names(schema))
        parts.append(f"Analyses that `--only` takes: {groups}.\n\n" if groups else "")
        parts.append(
            _table(("name", "unit", "definition", "analyses"), rows) if rows else "None: masks only.\n"
        )
    return "".join(parts)


def _figure(value: object) -> str:
    """A figure of a model card in words; an interval where it has one."""
    if not isinstance(value, Mapping):
        return f"{value:.4g}" if isinstance(value, float) else str(value)
    if "value" not in value:
        return "; ".join(f"{key}: {_figure(item)}" for key, item in value.items())
    words = _figure(value["value"])
    if value.get("unit"):
        words += f" {value['unit']}"
    if value.get("low") is not None and value.get("high") is not None:
        words += f" (95 % interval {_figure(value['low'])} to {_figure(value['high'])})"
    rest = {k: v for k, v in value.items() if k not in {"value", "unit", "low", "high"}}
    return words + "".join(f", {key} {_figure(item)}" for key, item in rest.items())


def models_page() -> str:
    """The cards of the models that ship."""
    from spinekit.models.weights import find_card, shipped_names

    parts = [
        NOTE,
        "# Models that ship\n\nFrom `weights/<name>/card.yaml`; figures are of the fixed test part.\n",
    ]
    for name in shipped_names():
        card = find_card(name)
        parts.append(f"\n## {name}\n\n{card.title}.\n\n")
        size = f"{card.canvas.height} x {card.canvas.width} px"
        enlarged = f", enlarged {card.enlarge} times" if card.enlarge > 1 else ""
        facts = [
            ("task", card.task),
            ("schema", f"[{card.schema}](schemas.md#{card.schema})"),
            ("films", card.view),
            ("read at", size + enlarged),
            ("reported from", f"score {card.confidence:g}"),
            ("sha256", f"`{card.sha256}`"),
        ]
        parts.append(_table(("fact", "value"), facts))
        if card.figures:
            parts.append(
                "\n" + _table(("figure", "value"), [(k, _figure(v)) for k, v in card.figures.items()])
            )
        parts += ["\nLimits:\n\n", *(f"- {line}\n" for line in card.limits)] if card.limits else []
    return "".join(parts)


def python_page() -> str:
    """The functions of ``import spinekit``."""
    import spinekit

    parts = [
        NOTE,
        "# Python\n\nThe same words as the command line; every name below is loaded when it is first used.\n",
    ]
    for name in spinekit.__all__:
        thing = getattr(spinekit, name)
        if not callable(thing):
            continue
        text = inspect.cleandoc(thing.__doc__ or "")
        parts.append(f"\n## spinekit.{name}\n\n`{name}({_arguments(thing)})`\n\n{_sections(text)}")
    return "".join(parts)


def _arguments(thing: Callable[..., object]) -> str:
    """A function's arguments with their types as written and their defaults."""
    words = []
    for argument in inspect.signature(thing).parameters.values():
        if argument.kind is argument.KEYWORD_ONLY and "*" not in words:
            words.append("*")
        default = "" if argument.default is argument.empty else f" = {argument.default!r}"
        words.append(f"{argument.name}: {argument.annotation}{default}")
    # Where a function lies in memory is another place in every run.
    return re.sub(r"<function (\w+) at 0x[0-9a-f]+>", r"\1", ", ".join(words))


def _sections(docstring: str) -> str:
    """A Google docstring as Markdown: ``Args:`` and the like become lists."""
    lines = []
    for line in docstring.replace("``", "`").splitlines():
        if line in {"Args:", "Returns:", "Raises:"}:
            lines.append(f"{line}\n")
        elif line.startswith("        "):
            lines[-1] += f" {line.strip()}"
        elif line.startswith("    "):
            lines.append(f"- {line.strip()}")
        else:
            lines.append(line)
    return "\n".join(lines) + "\n"


def pages() -> dict[Path, str]:
    """Every generated page by its path."""
    made = {
        "commands": commands_page,
        "formats": formats_page,
        "schemas": schemas_page,
        "measurements": measurements_page,
        "models": models_page,
        "python": python_page,
        "bad-input": bad_input_page,
    }
    found = {REFERENCE / f"{name}.md": page() for name, page in made.items()}
    return found | {REFERENCE / path: text for path, text in _measurement_pages().items()}


def main() -> None:
    """Writes the pages that have changed."""
    from spinekit.files import write_text

    for path, text in pages().items():
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            write_text(path, text)
            print(f"written: {path.relative_to(CHECKOUT)}")


if __name__ == "__main__":
    sys.path.insert(0, str(CHECKOUT))
    main()
