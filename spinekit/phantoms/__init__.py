"""Synthetic films with exact truth: for samples, tests and as a seasoning of trainings."""

from spinekit.phantoms.kinds import Kind
from spinekit.phantoms.membrane import membrane_tile
from spinekit.phantoms.orbit import orbit_slice
from spinekit.phantoms.phantom import Phantom, to_scene
from spinekit.phantoms.skull import skull_lateral
from spinekit.phantoms.spine import midline_cobb, spine_ap

__all__ = [
    "Kind",
    "Phantom",
    "membrane_tile",
    "midline_cobb",
    "orbit_slice",
    "skull_lateral",
    "spine_ap",
    "to_scene",
]
