"""The true measurements of a face made to measure, by trigonometry on its angles, not by the formulas that measure.

Frame: mm, x to the face along the Frankfort horizontal, y down.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from spinekit.core.image import FloatArray

_AS_TOLD = (
    "sna", "snb", "snd", "facial_angle", "fma", "fh_mp_downs", "y_axis", "cant_of_op", "saddle_angle",
    "facial_axis", "mandibular_arc", "lower_facial_height", "beta_angle", "u1_na", "l1_nb", "midfacial_length",
    "u1_na_mm", "overjet", "overbite",
)  # fmt: skip


def truth_of(told: Mapping[str, float], p: Mapping[str, FloatArray]) -> dict[str, float]:
    """The measurements of a face.

    Args:
        told: What the face was made by (see `spinekit.phantoms.skull_face.Face`).
        p: Its points, (2,) mm.

    Returns:
        By the names of cephalometry's measurements.
    """
    found = {name: told[name] for name in _AS_TOLD}
    found |= _angles(told, p)
    found |= _lengths(told, p)
    found |= {f"isbi_{name}": found[name] for name in ("sna", "snb", "anb", "odi", "apdi")}
    found["isbi_fhi"] = found["jarabak_ratio"] / 100
    return found


def _angles(told: Mapping[str, float], p: Mapping[str, FloatArray]) -> dict[str, float]:
    """What follows from the angles by adding them up, and the inner angles of triangles from their sides."""
    sn_fh, sna, snb, fma = told["sn_fh"], told["sna"], told["snb"], told["fma"]
    u1, l1, palatal, cant = told["u1_na"], told["l1_nb"], told["palatal_plane"], told["cant_of_op"]
    nb = 180.0 - sn_fh - snb  # direction of N-B
    impa = nb + l1 - fma
    ab = _direction(p["A"], p["B"])
    articular, gonial = _inner(p, "Ar", "S", "Go"), _inner(p, "Go", "Ar", "Me")
    return {
        "anb": sna - snb,
        "sn_gome": fma + sn_fh,
        "sn_gogn": _direction(p["Go"], p["Gn"]) + sn_fh,
        "fma_isbi": abs(_direction(p["Go"], p["Gn"]) + sn_fh),
        "op_sn": cant + sn_fh,
        "u1_sn": sna + u1,
        "interincisal": 180.0 - u1 - l1 - (sna - snb),
        "impa": impa,
        "fmia": 180.0 - fma - impa,
        "l1_op": nb + l1 - 90.0 - cant,
        "u1_pp": palatal + sn_fh + sna + u1,
        "mmpa": fma - palatal,
        "palatal_plane_fh": palatal,
        "convexity": _direction(p["A"], p["Pog"]) - (180.0 - sn_fh - sna),
        "ab_plane": 180.0 - told["facial_angle"] - ab,
        "odi": ab - fma + palatal,
        "apdi": 180.0 - ab + palatal,
        "beta_angle_co": 90.0 + _direction(p["Co"], p["B"]) - ab,
        "articular_angle": articular,
        "gonial_angle": gonial,
        "bjork_sum": told["saddle_angle"] + articular + gonial,
        "upper_gonial_angle": _inner(p, "Go", "Ar", "N"),
        "lower_gonial_angle": _inner(p, "Go", "N", "Me"),
        "yen_angle": _inner(p, "M", "S", "D"),
        # The perpendicular from M cuts a right-angled triangle off S-M-D.
        "w_angle": 90.0 - _inner(p, "D", "M", "S"),
    }


def _lengths(told: Mapping[str, float], p: Mapping[str, FloatArray]) -> dict[str, float]:
    """Lengths in mm, and ratios of them in %."""
    posterior, anterior, lower = _far(p, "S", "Go"), _far(p, "N", "Me"), _far(p, "ANS", "Me")
    l1_nb, pog_nb = _before(p["L1t"], p["N"], p["B"]), _before(p["Pog"], p["N"], p["B"])
    ahead = p["A"] - p["B"]
    mandible = _far(p, "Co", "Gn")
    return {
        "l1_nb_mm": l1_nb,
        "pog_nb_mm": pog_nb,
        "holdaway_difference": l1_nb - pog_nb,
        "u1_apog_mm": _before(p["U1t"], p["A"], p["Pog"]),
        "l1_apog_mm": _before(p["L1t"], p["A"], p["Pog"]),
        "convexity_mm": _before(p["A"], p["N"], p["Pog"]),
        "e_line_upper_lip": told["upper_lip"],
        "e_line_lower_lip": told["lower_lip"],
        "n_perp_a": float(p["A"][0] - p["N"][0]),
        "n_perp_pog": float(p["Pog"][0] - p["N"][0]),
        "u1_a_vertical": float(p["U1t"][0] - p["A"][0]),
        "mandibular_length": mandible,
        "maxillomandibular_difference": mandible - told["midfacial_length"],
        "lower_anterior_height": lower,
        "posterior_facial_height": posterior,
        "anterior_facial_height": anterior,
        "lafh_ratio": 100 * lower / anterior,
        "jarabak_ratio": 100 * posterior / anterior,
        "wits_downs": _shadow(ahead, told["cant_of_op"]),
        "wits_functional": _shadow(ahead, told["functional_op"]),
    }


def _direction(start: FloatArray, end: FloatArray) -> float:
    """From x towards y, degrees."""
    return float(np.degrees(np.arctan2(end[1] - start[1], end[0] - start[0])))


def _far(p: Mapping[str, FloatArray], start: str, end: str) -> float:
    return float(np.hypot(*(p[end] - p[start])))


def _inner(p: Mapping[str, FloatArray], at: str, one: str, other: str) -> float:
    """Angle of a triangle from the lengths of its sides, degrees."""
    near, far, across = _far(p, at, one), _far(p, at, other), _far(p, one, other)
    return float(np.degrees(np.arccos((near**2 + far**2 - across**2) / (2 * near * far))))


def _shadow(step: FloatArray, degrees: float) -> float:
    """Length of a step's projection on a direction."""
    return float(step[0] * np.cos(np.radians(degrees)) + step[1] * np.sin(np.radians(degrees)))


def _before(point: FloatArray, upper: FloatArray, lower: FloatArray) -> float:
    """How far a point lies in front of the line through two others: by the sine of the angle between."""
    lean = np.radians(_direction(upper, lower) - _direction(upper, point))
    return float(np.hypot(*(point - upper)) * np.sin(lean))
