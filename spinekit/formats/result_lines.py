"""The results of one image as one line of JSON and back: numbers, refusals, geometry and norms, nothing lost.

`spinekit.formats.measurement_csv` is for tables; a line of these is for programs that draw or measure on.
What has its usual value (no interval, no norm, no reason) is left out of a line and comes back all the same.
"""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from spinekit.core.errors import AnnotationError
from spinekit.core.measurement import Measurement, MeasurementGeometry, NotMeasured, Result, Status
from spinekit.core.norm import Comparison, Norm, NormBand, NormKind, Verdict
from spinekit.core.spacing import SpacingOrigin
from spinekit.formats.sources import parse_json

NAME = "spinekit-results"
VERSION = 1

Json = dict[str, Any]
Point = tuple[float, float]

_BAND_NUMBERS = ("mean", "sd", "tolerance", "low", "high", "at_age", "per_year", "until")
_MEMBERS = {
    "line": {"format", "version", "image", "results"},
    "refusal": {"name", "refused"},
    "measurement": {field.name for field in dataclasses.fields(Measurement)},
    "geometry": {field.name for field in dataclasses.fields(MeasurementGeometry)},
    "comparison": {field.name for field in dataclasses.fields(Comparison)},
    "norm": {field.name for field in dataclasses.fields(Norm)},
    "band": {field.name for field in dataclasses.fields(NormBand)},
}


def results_to_line(image: str, results: Iterable[Result]) -> str:
    """The results of an image as one line of JSON, without the line's end.

    Args:
        image: `ImageRef.name`.
        results: In their order.

    Raises:
        ValueError: If a value, a bound or a coordinate is NaN or infinite.
    """
    return line_of_text(image, results_to_text(results))


def line_of_text(image: str, results: str) -> str:
    """The same of results that are JSON already.

    Args:
        image: `ImageRef.name`.
        results: As `results_to_text` gives them.
    """
    content = {"format": NAME, "version": VERSION, "image": image}
    return f'{_dumped(content)[:-1]},"results":{results}}}'


def results_from_line(line: str, where: str) -> tuple[str, tuple[Result, ...]]:
    """The image's name and the results of a line.

    Args:
        line: As `results_to_line` writes it.
        where: File and line, for messages.

    Raises:
        AnnotationError: If the line is broken, holds what is not known, or is of a newer version.
    """
    content = parse_json(line, where)
    if not isinstance(content, dict) or content.get("format") != NAME:
        raise AnnotationError(f"{where}: is no {NAME} -- name a file that spinekit wrote")
    if content.get("version") != VERSION:
        raise AnnotationError(
            f"{where}: is of version {content.get('version')!r}, this spinekit reads {VERSION} -- update it"
        )
    with _misshapen(where):
        _known(content, "line")
        return _text(content["image"]), _results_from_json(content["results"])


def read_results(path: Path) -> Iterator[tuple[str, tuple[Result, ...]]]:
    """The lines of ``measurements.jsonl``, one image at a time.

    Args:
        path: The file, or the folder of the run that holds it.

    Raises:
        AnnotationError: If it cannot be read or a line is broken; the message names the line.
    """
    path = path / "measurements.jsonl" if path.is_dir() else path
    try:
        with path.open("rb") as stream:
            for index, line in enumerate(stream, 1):
                where = f"{path}: line {index}"
                try:
                    text = line.decode("utf-8-sig")
                except UnicodeDecodeError as error:
                    raise AnnotationError(f"{where}: is not UTF-8 text -- write the file again") from error
                if text.strip():
                    yield results_from_line(text, where)
    except OSError as error:
        raise AnnotationError(f"{path}: cannot be read ({error.strerror}) -- check the path") from error


def results_to_text(results: Iterable[Result]) -> str:
    """Results as JSON, as the member ``results`` of a line holds them.

    Raises:
        ValueError: If a value, a bound or a coordinate is NaN or infinite.
    """
    return _dumped([_result_to_json(result) for result in results])


def results_from_json(content: object, where: str) -> tuple[Result, ...]:
    """Results out of the member ``results`` of a line.

    Raises:
        AnnotationError: If it is misshapen; the message begins with ``where``.
    """
    with _misshapen(where):
        return _results_from_json(content)


def _dumped(content: object) -> str:
    return json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def _results_from_json(content: object) -> tuple[Result, ...]:
    return tuple(_result_from_json(item) for item in _list(content))


class _misshapen:  # noqa: N801  (used as the word of a `with`)
    """Every fault of a line's members ends here, as one line that names its place."""

    def __init__(self, where: str) -> None:
        self._where = where

    def __enter__(self) -> None:
        """Nothing to prepare."""

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, (KeyError, TypeError, ValueError, AttributeError, OverflowError)):
            what = f"lacks {error}" if isinstance(error, KeyError) else f"is misshapen ({error})"
            raise AnnotationError(f"{self._where}: {what} -- write the file again") from error


def _result_to_json(result: Result) -> Json:
    if isinstance(result, NotMeasured):
        return {"name": result.name, "refused": result.reason}
    origin = result.spacing_origin
    optional = {
        "landmarks_used": list(result.landmarks_used),
        "low": _or_none(result.low),
        "high": _or_none(result.high),
        "spacing_origin": None if origin is None else origin.value,
        "status": "" if result.status is Status.OK else result.status.value,
        "reason": result.reason,
        "geometry": _geometry_to_json(result.geometry),
        "details": dict(result.details),
        "grade": result.grade,
        "norms": [_comparison_to_json(beside) for beside in result.norms],
    }
    said = {"name": result.name, "value": float(result.value), "unit": result.unit, "method": result.method}
    return said | _without_usual(optional)


def _result_from_json(content: object) -> Result:
    item = _object(content)
    if "refused" in item:
        _known(item, "refusal")
        return NotMeasured(_text(item["name"]), _text(item["refused"]))
    _known(item, "measurement")
    origin = item.get("spacing_origin")
    return Measurement(
        name=_text(item["name"]),
        value=_number(item["value"]),
        unit=_text(item["unit"]),
        method=_text(item["method"]),
        landmarks_used=_texts(item.get("landmarks_used", [])),
        low=_number_or_none(item.get("low")),
        high=_number_or_none(item.get("high")),
        spacing_origin=None if origin is None else SpacingOrigin(origin),
        status=Status(item.get("status", Status.OK)),
        reason=_text(item.get("reason", "")),
        geometry=_geometry_from_json(item.get("geometry", {})),
        details={_text(key): _text(value) for key, value in _object(item.get("details", {})).items()},
        grade=_text(item.get("grade", "")),
        norms=tuple(_comparison_from_json(beside) for beside in _list(item.get("norms", []))),
    )


def _geometry_to_json(geometry: MeasurementGeometry) -> Json:
    anchor = geometry.anchor
    return _without_usual(
        {
            "points": {name: _pair_to_json(xy) for name, xy in geometry.points.items()},
            "lines": {name: [_pair_to_json(end) for end in ends] for name, ends in geometry.lines.items()},
            "anchor": None if anchor is None else _pair_to_json(anchor),
        }
    )


def _geometry_from_json(content: object) -> MeasurementGeometry:
    item = _object(content)
    _known(item, "geometry")
    anchor = item.get("anchor")
    return MeasurementGeometry(
        {_text(name): _pair(xy) for name, xy in _object(item.get("points", {})).items()},
        {_text(name): _line(ends) for name, ends in _object(item.get("lines", {})).items()},
        None if anchor is None else _pair(anchor),
    )


def _comparison_to_json(beside: Comparison) -> Json:
    norm = beside.norm
    told = {
        "author": norm.author,
        "year": norm.year,
        "population": norm.population,
        "kind": norm.kind.value,
        "bands": [_band_to_json(band) for band in norm.bands],
        **_without_usual({"note": norm.note, "asks_age": norm.asks_age or ""}),
    }
    optional = {"verdict": beside.verdict.value, "z": _or_none(beside.z), "reason": beside.reason}
    return {"norm": told, "expected": beside.expected, **_without_usual(optional)}


def _comparison_from_json(content: object) -> Comparison:
    item = _object(content)
    _known(item, "comparison")
    told = _object(item["norm"])
    _known(told, "norm")
    norm = Norm(
        author=_text(told["author"]),
        year=None if told["year"] is None else _whole(told["year"]),
        population=_text(told["population"]),
        kind=NormKind(told["kind"]),
        bands=tuple(_band_from_json(band) for band in _list(told["bands"])),
        note=_text(told.get("note", "")),
        asks_age=_flag(told.get("asks_age", False)),
    )
    return Comparison(
        norm,
        _text(item["expected"]),
        Verdict(item.get("verdict", "")),
        _number_or_none(item.get("z")),
        _text(item.get("reason", "")),
    )


def _band_to_json(band: NormBand) -> Json:
    ages = band.ages and [float(age) for age in band.ages]
    numbers = {name: _or_none(getattr(band, name)) for name in _BAND_NUMBERS}
    return _without_usual({"sex": band.sex, "ages": ages} | numbers)


def _band_from_json(content: object) -> NormBand:
    item = _object(content)
    _known(item, "band")
    sex, ages = item.get("sex"), item.get("ages")
    numbers = (_number_or_none(item.get(name)) for name in _BAND_NUMBERS)
    return NormBand(None if sex is None else _text(sex), None if ages is None else _pair(ages), *numbers)


def _without_usual(members: Mapping[str, Any]) -> Json:
    """Members that say something: neither None nor empty; a zero says much."""
    return {key: value for key, value in members.items() if value not in (None, "", [], {})}


def _known(item: Json, kind: str) -> None:
    strange = sorted(set(item) - _MEMBERS[kind])
    if strange:
        raise ValueError(f"{strange[0][:40]!r} is no member of a {kind}")


def _pair_to_json(xy: Point) -> list[float]:
    return [float(xy[0]), float(xy[1])]


def _pair(content: object) -> Point:
    first, second = _list(content)
    return _number(first), _number(second)


def _line(content: object) -> tuple[Point, Point]:
    start, end = _list(content)
    return _pair(start), _pair(end)


def _or_none(value: float | None) -> float | None:
    return None if value is None else float(value)


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise TypeError(f"{str(value)[:40]!r} instead of a number")
    return float(value)


def _number_or_none(value: object) -> float | None:
    return None if value is None else _number(value)


def _whole(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{str(value)[:40]!r} instead of a whole number")
    return value


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise TypeError(f"{str(value)[:40]!r} instead of true or false")
    return value


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{str(value)[:40]!r} instead of a text")
    return value


def _texts(value: object) -> tuple[str, ...]:
    return tuple(_text(item) for item in _list(value))


def _list(value: object) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError(f"{str(value)[:40]!r} instead of a list")
    return value


def _object(value: object) -> Json:
    if not isinstance(value, dict):
        raise TypeError(f"{str(value)[:40]!r} instead of an object")
    return value
