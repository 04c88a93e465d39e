"""DICOM objects of what was found: masks, measurements and the overlay, of the study that the film is of.

They must carry the patient of their source to be of use in an archive, and say so in their kind; or, cleaned, none
at all, and then a clean copy of the source lies beside them, since they refer to its new UIDs. A film that is no
DICOM lies beside them likewise, wrapped as a secondary capture.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spinekit import __version__
from spinekit.core.errors import UsageError
from spinekit.core.image import Image, UInt8Array
from spinekit.core.measurement import NotMeasured, Result
from spinekit.core.scene import Scene
from spinekit.formats.scenes_line import to_line
from spinekit.measures.plugin import code_measurements
from spinekit.workflows.outputs import output_path, with_shapes

if TYPE_CHECKING:
    from spinekit.formats.dicom_clean_header import CleanRules
    from spinekit.formats.dicom_maker import Maker
    from spinekit.formats.dicom_origin import Origin

DICOM_KINDS: tuple[str, ...] = ("dicom-seg", "dicom-seg-labelmap", "dicom-sr", "dicom-sc")
PATIENT_WARNING = (
    "DICOM objects carry the patient's name and number, as archives need them -- keep them like the films, or add "
    "--deidentify"
)


@dataclass(frozen=True, slots=True, eq=False)
class _Found:
    """All that an object may be made of."""

    image: Image
    scene: Scene
    results: Sequence[Result]
    picture: UInt8Array
    notice: Callable[[str], None]


def _unheard(_: str) -> None:
    """Nobody listens."""


def write_dicom(
    kind: str,
    image: Image,
    scene: Scene,
    results: Sequence[Result],
    picture: UInt8Array,
    folder: Path,
    clean: bool = False,
    model_sha256: str = "",
    notice: Callable[[str], None] = _unheard,
) -> list[Path]:
    """Writes what was found in one image as a DICOM object; the same again for the same input.

    Args:
        kind: One of `DICOM_KINDS`.
        image: The film; its file is read again for the header.
        scene: What was found in it.
        results: What was measured or refused.
        picture: (H, W, 3) the overlay, blue, green, red.
        folder: Where to, e.g. ``RUN/dicom-seg``; readable by its owner alone.
        clean: Whether identities are removed.
        model_sha256: Of the weights, which goes into the objects.
        notice: Told, in one line each, of what was left out, and why there is no object.

    Returns:
        The files written: the object, and the wrapped or cleaned source that it refers to. None where there is
        nothing to write: no shape, no measurement.

    Raises:
        UsageError: For a kind that there is not.
        ReadError: If no object can be made from the header of the source.
    """
    from spinekit.formats.dicom_clean_header import CleanRules, cleaned_header
    from spinekit.formats.dicom_maker import Maker, save
    from spinekit.formats.dicom_origin import read_origin
    from spinekit.workflows.private_key import private_key

    if kind not in DICOM_KINDS:
        raise UsageError(f"--save {kind}: there is no such kind -- choose from {', '.join(DICOM_KINDS)}")
    maker = Maker(__version__, scene.model, model_sha256 if scene.model else "")
    if clean:
        rules = CleanRules(private_key())
        origin = read_origin(image, notice, lambda item: cleaned_header(item, rules, image.ref.path))
    else:
        rules, origin = None, read_origin(image, notice)
    if "BodyPartExamined" not in origin.item and (part := _body_part(scene)):
        origin.item.BodyPartExamined = part
    found = _Found(image, scene, results, picture, notice)
    made = _made(kind, origin, found, maker)
    if made is None:
        notice(f"{image.ref.path}: {kind}: nothing to write -- {_LACKING[kind]}")
        return []
    name = _name(image, origin, clean)
    path = output_path(folder, name, f".{kind.removeprefix('dicom-')}.dcm")
    # Frames of one object share its clean copy; pages of a picture are wrapped one by one.
    source = _pseudonym(str(origin.item.SOPInstanceUID)) if clean and not origin.wrapped else name
    beside = _source_beside(origin, found, maker, output_path(folder, source, ".source.dcm"), rules)
    return [*beside, save(made, path)]


_LACKING = {
    "dicom-seg": "nothing with a shape was found",
    "dicom-seg-labelmap": "nothing with a shape was found",
    "dicom-sr": "nothing was measured or marked",
    "dicom-sc": "there is no overlay",
}


def _made(kind: str, origin: Origin, found: _Found, maker: Maker) -> Any:  # noqa: ANN401  (pydicom's)
    """The object of a kind, or None where there is nothing for it."""
    from spinekit.formats import dicom_sc, dicom_seg_writing, dicom_sr

    # The name of the file is no part of what was found.
    bare = replace(found.scene, image=replace(found.scene.image, name="film", path=Path("film")))
    if kind == "dicom-sr":
        content = _digest(to_line(bare), *map(repr, found.results))
        units = _units_of_refused(found.scene, found.results)
        return dicom_sr.report(origin, found.scene, found.results, maker, content, found.notice, units)
    if kind == "dicom-sc":
        content = _digest(str(found.picture.shape), found.picture.tobytes())
        return dicom_sc.capture(origin, found.picture, maker, content)
    shaped = with_shapes(found.scene)
    if shaped is None:
        return None
    made_as = dicom_seg_writing.LABELMAP if kind.endswith("labelmap") else dicom_seg_writing.BINARY
    return dicom_seg_writing.segmentation(
        origin, shaped, maker, _digest(to_line(bare)), found.notice, made_as
    )


def _units_of_refused(scene: Scene, results: Sequence[Result]) -> dict[str, str]:
    """The unit that each refused measurement would have had, where its definition says so."""
    stated = {formula.name: formula.unit for formula in scene.schema.measurements}
    lengths = scene.image.unit
    meant = {"deg": "deg", "length": lengths, "mm": lengths, "%": "%", "ratio": ""}
    found = {}
    for result in results:
        if isinstance(result, NotMeasured):
            coded = (m.unit for m in code_measurements().values() if m.answers(result.name))
            units = (stated.get(result.name) or next(coded, "")).split(", ")
            # What gives angles and lengths alike says in the name of a result which of them it is.
            angle = "deg" in units and any(word in result.name for word in _ANGLES)
            found[result.name] = "deg" if angle else meant.get(units[0], "")
    return found


_ANGLES = ("angle", "incidence", "kyphosis", "lordosis", "slope", "tilt", "version", "wedge")


def _body_part(scene: Scene) -> str:
    """What a film shows by the schema of what was found in it, as a term of DICOM; empty where it does not say."""
    words = scene.schema.view.casefold()
    return next((term for word, term in _BODY_PARTS.items() if word in words), "")


_BODY_PARTS = {"spine": "SPINE", "skull": "SKULL", "orbit": "HEAD", "lumbar": "LSPINE"}


def _digest(*parts: str | bytes) -> str:
    digest = hashlib.sha256()
    for part in parts:
        content = part if isinstance(part, bytes) else part.encode("utf-8", "surrogatepass")
        digest.update(len(content).to_bytes(8, "big") + content)
    return digest.hexdigest()


def _name(image: Image, origin: Origin, clean: bool) -> str:
    """What the files are called: like the film, or where names may name somebody, by the object's new UID."""
    if not clean:
        return image.ref.name or image.ref.path.name
    return _pseudonym(f"{origin.item.SOPInstanceUID}{f'/{origin.frame}' if origin.frame else ''}")


def _pseudonym(uid: str) -> str:
    return hashlib.sha256(uid.encode()).hexdigest()[:16]


def _source_beside(
    origin: Origin, found: _Found, maker: Maker, path: Path, rules: CleanRules | None
) -> list[Path]:
    """The image that an object refers to, where it is not the user's own file."""
    from spinekit.formats.dicom_clean import clean_file
    from spinekit.formats.dicom_maker import save
    from spinekit.formats.dicom_sc import film_of

    if origin.wrapped:
        return [save(film_of(origin, found.image, maker), path)]
    if rules is None:
        return []
    for line in clean_file(origin.path, path, rules):
        found.notice(line)
    return [path]
