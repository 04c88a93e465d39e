from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PillowImage

from spinekit.core.errors import NothingUsableError, UsageError
from spinekit.core.schema import Schema
from spinekit.workflows.dataset_preview import PreviewSettings, preview_dataset
from tests.formats.annotation_samples import real_data
from tests.workflows.labelled_films import block, data_set

SHAPES = Schema("shapes", 1, "Shapes", "seg", "test", ("cell", "lump"), colours={"cell": "#FF0000"})


@pytest.fixture(scope="module")
def shapes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    films = {f"{k}.png": [block("lump" if k == 7 else "cell", 10, 20, 60, 60)] for k in range(9)}
    return data_set(tmp_path_factory.mktemp("s"), SHAPES, films)


def test_a_sheet_shows_what_is_labelled(shapes: Path, tmp_path: Path) -> None:
    report = preview_dataset(PreviewSettings(data=shapes, out=tmp_path / "sheet.png", n=6, cell=200))
    assert (len(report.shown), report.images) == (6, 9)
    assert list(report.shown) == sorted(report.shown)
    with PillowImage.open(tmp_path / "sheet.png") as sheet:
        pixels = np.asarray(sheet.convert("RGB")).astype(int)
    assert pixels.shape[0] > 2 * 200
    assert (np.ptp(pixels, axis=2) > 40).mean() > 0.01  # coloured: something is drawn on grey films


def test_the_seed_alone_decides_what_is_shown(shapes: Path, tmp_path: Path) -> None:
    def shown(seed: int, name: str) -> tuple[str, ...]:
        return preview_dataset(
            PreviewSettings(data=shapes, out=tmp_path / name, n=3, seed=seed, cell=64)
        ).shown

    assert shown(1, "a.png") == shown(1, "b.png")
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    assert len({shown(seed, "c.png") for seed in range(6)}) > 1


def test_only_images_with_a_class(shapes: Path, tmp_path: Path) -> None:
    report = preview_dataset(PreviewSettings(data=shapes, out=tmp_path / "l.jpg", label="lump", cell=64))
    assert report.shown == ("7.png",)
    with pytest.raises(NothingUsableError, match="with tumour"):
        preview_dataset(PreviewSettings(data=shapes, out=tmp_path / "l.jpg", label="tumour"))


def test_a_broken_image_is_told_and_the_others_are_shown(tmp_path: Path) -> None:
    folder = data_set(tmp_path / "s", SHAPES, {f"{k}.png": [block("cell", 10, 20)] for k in range(3)})
    (folder / "1.png").write_bytes(b"\x89PNG\r\n\x1a\nbroken")
    report = preview_dataset(PreviewSettings(data=folder, out=tmp_path / "sheet.png", cell=64))
    assert report.shown == ("0.png", "2.png")
    assert "1.png" in report.failed[0]


def test_a_sheet_is_a_picture(shapes: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"\.png or \.jpg"):
        preview_dataset(PreviewSettings(data=shapes, out=tmp_path / "sheet.pdf"))


def test_real_slices(tmp_path: Path) -> None:
    settings = PreviewSettings(
        data=real_data() / "orbit" / "bmp.csv",
        format="via",
        schema_name="orbit-4",
        out=tmp_path / "o.png",
        n=4,
    )
    report = preview_dataset(settings)
    assert (len(report.shown), report.images) == (4, 51)
