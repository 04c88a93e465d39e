"""Draws synthetic films of a schema into a folder, with truth and a split, for a training to begin with.

python benchmarks/phantom_films.py SCHEMA FOLDER FILMS
"""

from __future__ import annotations

import sys
from pathlib import Path

from spinekit.workflows.train_settings import TrainSettings
from spinekit.workflows.trial import write_films

LONGEST = 1200  # px; canvases are smaller
VAL = 12


def main() -> None:
    schema, folder, count = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    settings = TrainSettings.model_validate(
        {"name": "phantoms", "task": "pose", "data": folder, "schema": schema}
    )
    write_films(settings, folder, count - VAL, VAL, LONGEST)


if __name__ == "__main__":
    main()
