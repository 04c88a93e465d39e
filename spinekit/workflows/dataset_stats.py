"""What a labelled data set holds: counts, sizes, spacing, balance, positions, persons; as tables and plots."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spinekit.core.errors import NothingUsableError
from spinekit.files import write_bytes, write_text
from spinekit.workflows.census import (
    Census,
    ClassCount,
    census,
    count_scene,
    imbalance,
    position_map,
    quartiles,
)
from spinekit.workflows.dataset_source import DataSource, Progress, scenes_of
from spinekit.workflows.dataset_writing import table

_FIVE = ("min", "lower_quartile", "median", "upper_quartile", "max")


class StatsSettings(DataSource):
    """What is counted.

    Attributes:
        out: Folder for tables and plots; None writes nothing.
        plots: Whether plots are drawn.
    """

    out: Path | None = None
    plots: bool = True


@dataclass(frozen=True, slots=True)
class StatsReport:
    """What was counted.

    Attributes:
        census: The numbers.
        notices: What was passed over, one line each.
        files: Written.
    """

    census: Census
    notices: tuple[str, ...]
    files: tuple[Path, ...] = ()


def dataset_stats(settings: StatsSettings, on_progress: Progress | None = None) -> StatsReport:
    """Counts a data set, and writes what was counted where a folder is named.

    Args:
        settings: What is counted.
        on_progress: Told after each image.

    Raises:
        NothingUsableError: If it holds no image.
    """
    notices: list[str] = []
    found = settings.labelled(notices.append)
    held = census(found.schema)
    for scene in scenes_of(found, on_progress):
        count_scene(held, scene)
    if not held.images:
        raise NothingUsableError(
            f"{settings.data}: no labelled image was found -- name their folder with --images"
        )
    files = () if settings.out is None else _written(held, settings.out, settings.plots)
    return StatsReport(held, tuple(notices), files)


def _written(held: Census, out: Path, plots: bool) -> tuple[Path, ...]:
    """``stats.json``, ``classes.csv``, ``landmarks.csv``, ``persons.csv`` and the plots, as far as there is any."""
    write_text(out / "stats.json", json.dumps(summary(held), ensure_ascii=False, indent=1) + "\n")
    files = [out / "stats.json", out / "classes.csv"]
    with table(
        files[-1], ("label", "instances", "images", "pixels", "width_px", "height_px", "area_share")
    ) as rows:
        for label, counts in held.classes.items():
            rows.row(label, counts.instances, counts.images, counts.pixels, *map(_median, _sizes(counts)))
    if held.landmarks:
        files.append(out / "landmarks.csv")
        with table(files[-1], ("landmark", "visible", "occluded", "absent")) as rows:
            for name, seen in held.landmarks.items():
                rows.row(name, seen["visible"], seen["occluded"], seen["absent"])
    if held.persons:
        files.append(out / "persons.csv")
        with table(files[-1], ("age_from", "sex", "images", "instances")) as rows:
            for (decade, sex), images in sorted(held.persons.items(), key=str):
                of = held.by_person[decade, sex].total()
                rows.row("unknown" if decade is None else decade, sex or "unknown", images, of)
    return (*files, *(_plots(held, out) if plots else ()))


def _sizes(counts: ClassCount) -> tuple[Sequence[float], ...]:
    return counts.widths, counts.heights, counts.areas


def _median(values: Sequence[float]) -> str:
    found = quartiles(values)
    return "" if found is None else f"{found[2]:.4g}"


def summary(held: Census) -> dict[str, Any]:
    """The census as plain values, ready for JSON.

    Args:
        held: The census.
    """
    known = held.groups.keys() - {""}
    return {
        "schema": held.schema.name,
        "images": held.images,
        "without_label": held.empty,
        "with_remark": held.noted,
        "groups": len(known),
        "images_without_group": held.groups[""],
        "imbalance": imbalance(held),
        "classes": {label: _class_summary(counts) for label, counts in held.classes.items()},
        "landmarks": {name: dict(seen) for name, seen in held.landmarks.items()},
        "image_sizes": [
            {"width": width, "height": height, "images": count}
            for (width, height), count in sorted(held.sizes.items(), key=lambda item: (-item[1], item[0]))
        ],
        "spacing": [
            {"images": count}
            if spacing is None
            else {"row_mm": spacing[0], "col_mm": spacing[1], "origin": spacing[2], "images": count}
            for spacing, count in held.spacings.most_common()
        ],
        "readers": dict(held.readers.most_common()),
        "age_years": _five(held.ages),
        "persons": [
            {
                "age_from": decade, "sex": sex or None, "images": count,
                "instances": dict(held.by_person[decade, sex]),
            }
            for (decade, sex), count in sorted(held.persons.items(), key=str)
        ],
    }  # fmt: skip


def _class_summary(counts: ClassCount) -> dict[str, Any]:
    return {
        "instances": counts.instances,
        "images": counts.images,
        "pixels": counts.pixels,
        "width_px": _five(counts.widths),
        "height_px": _five(counts.heights),
        "longer_side_mm": _five(counts.millimetres),
        "area_share": _five(counts.areas),
        "centre_across": _five(counts.across),
        "centre_down": _five(counts.down),
    }


def _five(values: Sequence[float]) -> dict[str, float] | None:
    found = quartiles(values)
    return (
        None if found is None else dict(zip(_FIVE, (float(f"{value:.6g}") for value in found), strict=True))
    )


def _plots(held: Census, out: Path) -> tuple[Path, ...]:
    """Bars of the classes, boxes of their sizes, and a map of where they lie."""
    from spinekit.views.plots import bar_chart, box_chart, heat_maps, scatter_chart

    counted = {label: float(counts.instances) for label, counts in held.classes.items()}
    in_pixels = not any(counted.values())
    if in_pixels:
        counted = {label: float(counts.pixels) for label, counts in held.classes.items()}
    pictures = {
        "classes.png": bar_chart(counted, "pixels of each class" if in_pixels else "instances of each class"),
        "image_sizes.png": scatter_chart(
            [(float(width), float(height), float(count)) for (width, height), count in held.sizes.items()],
            "sizes of the images", "width, px", "height, px",
        ),
    }  # fmt: skip
    placed = {label: counts for label, counts in held.classes.items() if counts.instances}
    if placed:
        # A long side says more than an area of how a body fits a network's canvas.
        sides = {
            label: [max(pair) for pair in zip(counts.widths, counts.heights, strict=True)]
            for label, counts in placed.items()
        }
        pictures["sizes.png"] = box_chart(sides, "longer side of each class", "px")
        maps = {
            "all": sum((position_map(counts) for counts in placed.values()), start=position_map(ClassCount()))
        }
        if len(placed) > 1:
            maps |= {label: position_map(counts) for label, counts in placed.items()}
        pictures["positions.png"] = heat_maps(maps, "where instances lie, as parts of the image")
    if held.landmarks:
        seen = {
            name: float(counts["visible"] + counts["occluded"]) for name, counts in held.landmarks.items()
        }
        pictures["landmarks.png"] = bar_chart(seen, "placed landmarks")
    for name, content in pictures.items():
        write_bytes(out / name, content)
    return tuple(out / name for name in pictures)
