"""spinekit: named vertebrae, landmarks and calibrated measurements from skeletal images.

The names below are loaded when they are first used; importing spinekit alone loads no network library.
"""

from __future__ import annotations

TYPE_CHECKING = False  # as in typing, which takes longer to load than an interrupt should wait
if TYPE_CHECKING:
    from spinekit.api import (
        compare,
        convert,
        deidentify,
        doctor,
        evaluate,
        load_model,
        load_schema,
        measure,
        measure_files,
        predict,
        read_images,
    )

__version__ = "0.1.0"
__all__ = [
    "__version__",
    "compare",
    "convert",
    "deidentify",
    "doctor",
    "evaluate",
    "load_model",
    "load_schema",
    "measure",
    "measure_files",
    "predict",
    "read_images",
    "report",
]


def __getattr__(name: str) -> object:
    if name in __all__:
        from spinekit import api

        return getattr(api, name)
    raise AttributeError(f"module 'spinekit' has no attribute {name!r}")
