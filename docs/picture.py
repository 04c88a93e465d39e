"""Makes docs/img/overlay.png, the picture of the README: overlays of the films that ship, beside each other.

Run it after training a model or changing how overlays look: ``python docs/picture.py``.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import cv2
import numpy as np

CHECKOUT = Path(__file__).resolve().parent.parent
PICTURE = CHECKOUT / "docs" / "img" / "overlay.png"
HEIGHT = 720
GAP = 12


def main() -> None:
    """Reads each sample and joins what was found; films that no model knows are left out."""
    import spinekit
    from spinekit.files import atomic_path

    films = sorted(
        path for path in (CHECKOUT / "datasets" / "samples").glob("*-01.*") if ".truth" not in path.name
    )
    with tempfile.TemporaryDirectory() as folder:
        run = spinekit.predict(films, out=Path(folder) / "run", report=False)
        overlays = [run.out / name for record in run.record.files for name in record.outputs]
        pictures = [cv2.imread(str(path)) for path in overlays]
    joined = []
    for picture in pictures:
        assert picture is not None
        width = round(picture.shape[1] * HEIGHT / picture.shape[0])
        gap = np.full((HEIGHT, GAP, 3), 255, np.uint8)
        joined += [gap, cv2.resize(picture, (width, HEIGHT), interpolation=cv2.INTER_AREA)]
    with atomic_path(PICTURE) as temporary:
        cv2.imwrite(str(temporary), np.hstack(joined[1:]), [cv2.IMWRITE_PNG_COMPRESSION, 9])
    print(f"{PICTURE.relative_to(CHECKOUT)}: {len(pictures)} films")


if __name__ == "__main__":
    sys.path.insert(0, str(CHECKOUT))
    main()
