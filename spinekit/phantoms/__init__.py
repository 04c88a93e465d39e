"""Synthetic films with exact truth: for samples, tests and as a seasoning of trainings."""

from spinekit.phantoms.phantom import Phantom, to_scene
from spinekit.phantoms.spine import spine_ap

__all__ = ["Phantom", "spine_ap", "to_scene"]
