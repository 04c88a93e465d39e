"""Figures of merit in the field's own terms, each with n, misses and an interval."""

from spinekit.metrics.bodies import BodyMatch, match_bodies
from spinekit.metrics.bootstrap import score_of
from spinekit.metrics.pixels import dice, intersection_over_union, pixel_accuracy
from spinekit.metrics.points import radial_errors, success_rate
from spinekit.metrics.spine import circular_mean_error, smape_of_film

__all__ = [
    "BodyMatch",
    "circular_mean_error",
    "dice",
    "intersection_over_union",
    "match_bodies",
    "pixel_accuracy",
    "radial_errors",
    "score_of",
    "smape_of_film",
    "success_rate",
]
