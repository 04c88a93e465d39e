"""From the probability of a membrane to a map that keeps cells apart, and the threshold at which it does so best."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from spinekit.core.image import BoolArray
from spinekit.metrics.regions import membrane_scores, thinned_cells

Probability = npt.NDArray[np.float32]

MEMBRANE = "membrane"
"""What the last of two classes is called where the cells between them are what matters."""

SEPARATIONS = (0.01, 0.02, 0.03, 0.05, 0.07, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45)


@dataclass(frozen=True, slots=True)
class Separation:
    """The threshold that was chosen, and what it does on the images that chose it.

    Attributes:
        threshold: Probability from which a faint membrane separates; None where none does better than confidence.
        v_rand: Mean V_rand after thinning over the images, with it.
        plain: The same without it.
        images: How many chose.
    """

    threshold: float | None
    v_rand: float
    plain: float
    images: int


def separated(probability: Probability, confidence: float, separation: float | None) -> BoolArray:
    """Membranes as a map of pixels, with faint ones as lines of one pixel where they keep two cells apart.

    A pixel is a membrane where it is more likely one than not. At that threshold a gap of a few faint pixels joins
    two cells; at one so low that no gap is left membranes are far too thick. So the thick map is thinned to lines by
    a watershed, and only its lines are added: cells stay apart, and hardly a pixel changes.

    Args:
        probability: (H, W) of a membrane.
        confidence: From which a pixel is one.
        separation: From which it keeps cells apart; None or no less than ``confidence`` adds nothing.

    Returns:
        (H, W), True on membranes.
    """
    plain = np.asarray(probability >= confidence)
    if separation is None or separation >= confidence:
        return plain
    thinned = thinned_cells(np.asarray(probability < separation))
    if not thinned.any():  # no cell is left to be kept apart from another
        return plain
    return np.asarray(plain | (thinned == 0))


def choose_separation(
    probabilities: Sequence[Probability], truths: Sequence[BoolArray], confidence: float
) -> Separation:
    """The threshold at which `separated` maps keep the cells of some images apart best, by V_rand after thinning.

    Args:
        probabilities: (H, W) of a membrane, of images to choose by: never of those to report on.
        truths: (H, W), True on membranes, in the same order.
        confidence: From which a pixel is a membrane.

    Returns:
        The best of `SEPARATIONS` below the confidence, the lowest of equals.

    Raises:
        ValueError: If there is no image, or one without a cell.
    """
    if not probabilities:
        raise ValueError("no image to choose by")

    def mean(threshold: float | None) -> float:
        found = [
            membrane_scores(separated(probability, confidence, threshold), truth).v_rand
            for probability, truth in zip(probabilities, truths, strict=True)
        ]
        return float(np.mean(found))

    plain = mean(None)
    best: tuple[float, float | None] = (plain, None)
    for threshold in SEPARATIONS:
        if threshold < confidence and (score := mean(threshold)) > best[0]:
            best = (score, threshold)
    return Separation(best[1], best[0], plain, len(probabilities))
