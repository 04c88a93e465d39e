"""Synthetic films with exact truth: for samples, tests and as a seasoning of trainings."""

from spinekit.phantoms.kinds import Kind
from spinekit.phantoms.membrane import membrane_tile
from spinekit.phantoms.orbit import orbit_slice
from spinekit.phantoms.orbit_rims import Orbits, orbits_of
from spinekit.phantoms.phantom import Phantom, to_scene
from spinekit.phantoms.skull import skull_lateral
from spinekit.phantoms.skull_face import Face, skull_of
from spinekit.phantoms.spine import midline_cobb, spine_ap
from spinekit.phantoms.spine_lateral import Facing, Part, spine_lateral

__all__ = [
    "Face",
    "Facing",
    "Kind",
    "Orbits",
    "Part",
    "Phantom",
    "membrane_tile",
    "midline_cobb",
    "orbit_slice",
    "orbits_of",
    "skull_lateral",
    "skull_of",
    "spine_ap",
    "spine_lateral",
    "to_scene",
]
