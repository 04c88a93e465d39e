"""Skulls made to measure: a lateral cephalogram on which every cephalometric measurement is known exactly.

A face is told by its angles and lengths, its points follow from them by plain trigonometry, and what was not
told follows from what was (``U1-SN = SNA + U1-NA``), never by the formulas that measure.

Frame of construction: mm from the sella, x to the face, y down, the Frankfort horizontal along x. A direction
is the angle from x towards y: forward 0, down 90, back 180 degrees.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.interpolate import RBFInterpolator

from spinekit.core.image import FloatArray
from spinekit.phantoms import canvas
from spinekit.phantoms import skull_template as template
from spinekit.phantoms.phantom import Phantom
from spinekit.phantoms.skull import FILM, NAMES, skull_film
from spinekit.phantoms.skull_truth import truth_of

# Points of the film's 27 under the names by which cephalometry measures.
_FILM_NAMES = {
    "C": "Co", "DT pog": "Pog'", "EN pn": "Prn", "LL": "Li", "SNA": "ANS", "SNP pm": "PNS", "UL": "Ls",
    "aii": "L1a", "ais": "U1a", "ii": "L1t", "is": "U1t",
}  # fmt: skip
_PLACE = (812.0, 1040.0)  # px of the sella on the 2400 x 1935 film


@dataclass(frozen=True, slots=True)
class Face:
    """A face by its measurements, in degrees and mm; the defaults are those of a usual adult.

    Attributes:
        sn_fh: S-N to the Frankfort horizontal, + when N lies above.
        sn: S-N.
        sna: SNA.
        snb: SNB.
        snd: SND.
        facial_angle: Frankfort horizontal to N-Pog.
        fma: Frankfort horizontal to Go-Me.
        fh_mp_downs: Frankfort horizontal to the lower border's tangent.
        y_axis: Frankfort horizontal to S-Gn.
        palatal_plane: Frankfort horizontal to PNS-ANS.
        cant_of_op: Frankfort horizontal to the occlusal plane of molars and incisors.
        functional_op: Frankfort horizontal to the occlusal plane of molars and premolars.
        saddle_angle: N-S-Ar.
        facial_axis: Ba-N to Pt-Gn.
        mandibular_arc: DC-Xi to Xi-Pm.
        lower_facial_height: ANS-Xi-Pm.
        beta_angle: Beta angle.
        u1_na: Upper incisor to N-A.
        l1_nb: Lower incisor to N-B.
        n_a: N-A.
        n_b: N-B.
        n_pog: N-Pog.
        go_me: Go-Me.
        s_ar: S-Ar.
        midfacial_length: Co-A.
        u1_na_mm: Upper incisor's edge before N-A.
        overjet: Along the occlusal plane.
        overbite: At a right angle to it.
        upper_lip: Upper lip before the E-line.
        lower_lip: Lower lip before the E-line.
    """

    sn_fh: float = 7.0
    sn: float = 68.0
    sna: float = 82.0
    snb: float = 79.0
    snd: float = 76.0
    facial_angle: float = 87.0
    fma: float = 26.0
    fh_mp_downs: float = 22.0
    y_axis: float = 60.0
    palatal_plane: float = 1.0
    cant_of_op: float = 9.0
    functional_op: float = 11.0
    saddle_angle: float = 123.0
    facial_axis: float = 89.0
    mandibular_arc: float = 27.0
    lower_facial_height: float = 46.0
    beta_angle: float = 31.0
    u1_na: float = 22.0
    l1_nb: float = 25.0
    n_a: float = 60.0
    n_b: float = 95.0
    n_pog: float = 109.0
    go_me: float = 68.0
    s_ar: float = 34.0
    midfacial_length: float = 88.0
    u1_na_mm: float = 4.5
    overjet: float = 2.5
    overbite: float = 2.5
    upper_lip: float = -3.0
    lower_lip: float = -2.0


def face_points(face: Face) -> dict[str, FloatArray]:
    """The points of a face, each (2,) mm in the frame of construction, under the names of cephalometry.

    Args:
        face: Its measurements.
    """
    p = _jaws(face)
    p |= _incisors(face, p)
    p |= _ramus(face, p)
    return p | _soft_parts(face, p)


def skull_of(
    face: Face, seed: int = 0, height: int = 2400, bits: int = 8, *, posture: float = 0.0
) -> Phantom:
    """The film of a face made to measure.

    Args:
        face: Its measurements.
        seed: For grey values and all that is drawn by chance.
        height: Rows; the film has the aspect of 2400 x 1935 and shows 240 mm in height.
        bits: Grey depth, 8 .. 16.
        posture: Degrees by which the head is bowed: the Frankfort horizontal falls to the front.

    Returns:
        One thing ``skull`` with the 27 points of ``ceph-27`` and after them all others that cephalometry names,
        and the true measurements as its facts (degrees, mm, %).
    """
    points = face_points(face)
    placed = {name: xy @ canvas.turn(posture).T * 10.0 + np.array(_PLACE) for name, xy in points.items()}
    known = np.array([placed[_FILM_NAMES.get(name, name)] for name in NAMES])
    rng = np.random.default_rng([seed, 5])
    film = skull_film(rng, known, _warp(known), height, bits)
    more = [name for name in placed if name not in NAMES and name not in _FILM_NAMES.values()]
    scale = height / FILM[0]
    others = (np.array([placed[name] for name in more]) + 0.5) * scale - 0.5
    return Phantom(
        kind=film.kind,
        pixels=film.pixels,
        labels=film.labels,
        names=(*NAMES, *more),
        points=np.concatenate([film.points, others[None]], axis=1),
        spacing=film.spacing,
        facts=face_truth(face),
    )


def face_truth(face: Face) -> Mapping[str, float]:
    """What is to be measured on a face, by the names of the measurements: degrees, mm, % and a ratio.

    Args:
        face: Its measurements.
    """
    told = {name: float(getattr(face, name)) for name in face.__dataclass_fields__}
    return truth_of(told, face_points(face))


def _jaws(face: Face) -> dict[str, FloatArray]:
    """Skull base, maxilla and the points of the chin."""
    s = np.zeros(2)
    n = s + _way(-face.sn_fh, face.sn)
    back = 180.0 - face.sn_fh  # from N to S
    a = n + _way(back - face.sna, face.n_a)
    b = n + _way(back - face.snb, face.n_b)
    pog = n + _way(180.0 - face.facial_angle, face.n_pog)
    me = pog + np.array([-6.0, 8.0])
    ans = a + np.array([1.5, -7.5])
    gn = s + _way(face.y_axis, float(np.hypot(*(pog + np.array([-2.0, 4.5])))))
    ba = n + _way(152.0, 100.0)
    return {
        "S": s, "N": n, "A": a, "B": b, "Pog": pog, "Me": me, "Gn": gn, "ANS": ans,
        "PNS": ans - _way(face.palatal_plane, 45.0),
        "Po": np.array([-20.0, 18.0]),
        "Or": np.array([46.0, 18.0]),
        "Go": me - _way(face.fma, face.go_me),
        "tGo": me - _way(face.fh_mp_downs, face.go_me - 4.0),
        "Ar": s + _way(face.saddle_angle - face.sn_fh, face.s_ar),
        "Ba": ba,
        "Pt": gn - _way(_towards(n, ba) - face.facial_axis, 80.0),
        "D": n + _way(back - face.snd, face.n_b + 8.0),
        "M": ans + np.array([-6.0, 6.0]),
        "Se": s + np.array([0.0, -5.0]),
    }  # fmt: skip


def _incisors(face: Face, p: Mapping[str, FloatArray]) -> dict[str, FloatArray]:
    """Teeth: the upper incisor by N-A, the lower one by overjet and overbite, molars by both occlusal planes."""
    na, nb = _towards(p["N"], p["A"]), _towards(p["N"], p["B"])
    upper = p["A"] + _way(na, 18.0) + _way(na - 90.0, face.u1_na_mm)
    plane, across = _way(face.cant_of_op), _way(face.cant_of_op + 90.0)
    lower = upper - face.overjet * plane - face.overbite * across
    molars = (upper + lower) / 2 - 32.0 * plane
    premolars = molars + _way(face.functional_op, 14.0)
    return {
        "U1t": upper,
        "U1a": upper - _way(na - face.u1_na, 22.0),
        "L1t": lower,
        "L1a": lower - _way(nb + 180.0 + face.l1_nb, 20.0),
        "U6": molars + across,
        "L6": molars - across,
        "U4": premolars + 0.8 * across,
        "L4": premolars - 0.8 * across,
    }


def _ramus(face: Face, p: Mapping[str, FloatArray]) -> dict[str, FloatArray]:
    """Condyle, centre of the ramus and the protuberance of the chin."""
    xi = p["Go"] + np.array([12.0, -22.0])
    body = _towards(xi, p["ANS"]) + face.lower_facial_height  # from Xi to Pm
    lean = face.beta_angle + _towards(p["A"], p["B"]) - 90.0  # from the condyle's centre to B
    return {
        "Xi": xi,
        "Pm": xi + _way(body, 62.0),
        "DC": xi + _way(body + 180.0 + face.mandibular_arc, 34.0),
        "Cc": p["B"] - _way(lean, 92.0),
        "Co": p["A"] + _way(202.0, face.midfacial_length),
    }


def _soft_parts(face: Face, p: Mapping[str, FloatArray]) -> dict[str, FloatArray]:
    """Nose, lips and the chin's skin."""
    nose, chin = p["ANS"] + np.array([22.0, -10.0]), p["Pog"] + np.array([8.0, 5.0])
    line, front = _towards(nose, chin), _towards(nose, chin) - 90.0
    return {
        "Prn": nose,
        "Pog'": chin,
        "Sn": p["ANS"] + np.array([10.0, 5.0]),
        "Ls": nose + _way(line, 28.0) + _way(front, face.upper_lip),
        "Li": nose + _way(line, 44.0) + _way(front, face.lower_lip),
        "n_": p["N"] + np.array([5.5, 2.0]),
    }


def _warp(known: FloatArray) -> RBFInterpolator:
    """From the template to the film, through all 27 points; vault and neck follow them as a whole."""
    mean = np.array([template.MEAN[name] for name in NAMES], dtype=np.float64)
    anchors = np.array(template.ANCHORS, dtype=np.float64)
    design = np.column_stack([mean, np.ones(len(mean))])
    affine, *_ = np.linalg.lstsq(design, known, rcond=None)
    fixed = np.column_stack([anchors, np.ones(len(anchors))]) @ affine
    return RBFInterpolator(np.vstack([mean, anchors]), np.vstack([known, fixed]), kernel="thin_plate_spline")


def _way(degrees: float, length: float = 1.0) -> FloatArray:
    """(2,) the step of a length in a direction."""
    return length * np.array([np.cos(np.radians(degrees)), np.sin(np.radians(degrees))])


def _towards(start: FloatArray, end: FloatArray) -> float:
    """Direction from one point to another, degrees."""
    return float(np.degrees(np.arctan2(end[1] - start[1], end[0] - start[0])))
