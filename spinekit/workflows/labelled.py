"""Opens somebody's annotations: finds the format, then the schema, and reads them in the names wanted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from spinekit.core.errors import AnnotationError, NothingUsableError, SpinekitError, UsageError
from spinekit.core.level_points import level_point
from spinekit.core.scene import Instance, Scene
from spinekit.core.schema import Schema
from spinekit.core.translate import Translated, Translation, labels_of, translate, translation
from spinekit.files import printable
from spinekit.formats.detection import detect_format
from spinekit.formats.plugin import AS_IT_LIES, AnnotationFormat, LabelOptions
from spinekit.formats.registry import annotation_format
from spinekit.formats.rings import corner_outline
from spinekit.schemas import load_schema, nearest
from spinekit.schemas.made import schema_from_names
from spinekit.workflows.manifest import completed, known_beside
from spinekit.workflows.mapping import NameMap, check_names, renamed


@dataclass(frozen=True, slots=True)
class Labelled:
    """Annotations that have been found but not read yet.

    Attributes:
        source: File or folder.
        format: Its format.
        options: How it is read.
        own: The schema that it is read with.
        schema: The schema of the scenes that are given out.
        names: From the one to the other, or None where they are the same.
    """

    source: Path
    format: AnnotationFormat
    options: LabelOptions
    own: Schema
    schema: Schema
    names: Translation | None = None


def open_labelled(
    source: Path,
    data_format: str | None = None,
    schema: Schema | str | Path | None = None,
    options: LabelOptions = AS_IT_LIES,
) -> tuple[Schema, Iterator[Scene]]:
    """The schema and the scenes of somebody's annotations, read one at a time.

    Args:
        source: File or folder.
        data_format: Name of its format; None to tell it by its content.
        schema: What the scenes are to be named by (a schema, its name or its file); None to make one of
            the names that the annotations use.
        options: Folder of the images, who hears of what is passed over, and so on.

    Returns:
        The schema of the scenes, and the scenes.

    Raises:
        UsageError: If the format or the schema cannot be told; the message says which option tells it.
        AnnotationError: While reading, if the annotations are broken or use a name that the schema lacks.
    """
    found = find_labelled(source, data_format, schema, options)
    return found.schema, read_labelled(found)


def find_labelled(
    source: Path,
    data_format: str | None = None,
    schema: Schema | str | Path | None = None,
    options: LabelOptions = AS_IT_LIES,
    names: NameMap | None = None,
) -> Labelled:
    """Format, schema and names of somebody's annotations; see `open_labelled`.

    Args:
        source: File or folder.
        data_format: Name of its format, or None.
        schema: Of the scenes to be, or None.
        options: How it is read.
        names: The user's own pairs of names.
    """
    form = annotation_format(data_format) if data_format else detect_format(source)
    if form.read is None:
        raise UsageError(f"format {form.name}: it can be written, not read -- see spinekit formats")
    if not source.is_file() and not source.is_dir():
        raise UsageError(f"{printable(str(source))}: no such file or folder -- check the path")
    wanted = schema if schema is None or isinstance(schema, Schema) else load_schema(schema)
    own = own_schema(source, form, options)
    if own is None:
        if wanted is None and _without_labels(source, form, options):
            raise NothingUsableError(
                f"{printable(str(source))}: read as {form.name}, it holds no label -- check the source"
            )
        if wanted is None:
            raise UsageError(
                f"{printable(str(source))}: {form.name} does not say what its labels are called -- "
                "name a landmark or class set with --schema"
            )
        own = wanted
    target = wanted or (own if names is None else renamed(own, names))
    if names is None and target.fingerprint() == own.fingerprint():
        return Labelled(source, form, options, own, target)
    if names is not None:
        check_names(names, own, target)
    pairs = (None, None) if names is None else (names.classes, names.landmarks)
    way = translation(own, target, *pairs)
    _check_points(way, source)
    return Labelled(source, form, options, own, target, way)


def _without_labels(source: Path, form: AnnotationFormat, options: LabelOptions) -> bool:
    """Whether annotations without a vocabulary say of no image that anything is there."""
    if form.read is None:
        return False
    anything = schema_from_names("unnamed", "seg", ("thing",))
    silent = replace(options, allow_missing=True, notice=lambda _: None)
    try:
        return not any(scene.instances or scene.raster for scene in form.read(source, anything, silent))
    except SpinekitError:
        return False


def _check_points(way: Translation, source: Path) -> None:
    """Refuses a translation that puts two points in one place, or none anywhere.

    Raises:
        UsageError: Naming the points.
    """
    shown = printable(str(source))
    by_target: dict[str, str] = {}
    for old, new in way.landmarks.items():
        if new is not None and by_target.setdefault(new, old) != old:
            raise UsageError(
                f"{shown}: the landmarks {by_target[new]!r} and {old!r} are both {new} of {way.target.name} -- "
                "say which of them with --map, null for the other"
            )
    points = way.source.landmark_names
    met = any(name in way.landmarks or level_point(name, way.target) is not None for name in points)
    if points and way.target.landmarks and not met:
        raise UsageError(
            f"{shown}: none of its landmarks ({', '.join(map(printable, points[:6]))}"
            f"{', ...' if len(points) > 6 else ''}) is in {way.target.name}, which has "
            f"{', '.join(way.target.landmark_names[:6])} -- name another --schema, or pair them in the file of --map"
        )


def read_labelled(found: Labelled, hear: Callable[[Translated], None] | None = None) -> Iterator[Scene]:
    """The scenes, one at a time; may be called again. What a table beside them says of an image is added.

    Args:
        found: From `find_labelled`.
        hear: Told of every translated scene, for those who count what falls out; where left out,
            ``options.notice`` hears a line about each scene that loses something.

    Raises:
        AnnotationError: If the annotations are broken or use a name that the schema lacks.
    """
    if found.format.read is None:
        raise UsageError(f"format {found.format.name}: it can be written, not read -- see spinekit formats")
    known = known_beside(found.source)
    for read in found.format.read(found.source, found.own, found.options):
        scene = completed(read, known)
        if found.names is None:
            yield scene
            continue
        try:
            translated = translate(_with_bodies(scene, found.schema), found.names)
        except KeyError as error:
            raise unknown_label(found, str(error.args[0]), scene.image.name) from None
        if hear is not None:
            hear(translated)
        else:
            _tell(found, translated)
        yield translated.scene


def _with_bodies(scene: Scene, target: Schema) -> Scene:
    """The scene with the outlines that its corners enclose, where only outlines have a place in the target."""
    if target.task != "seg" or target.landmarks:
        return scene
    return replace(scene, instances=tuple(_with_body(item, scene.schema) for item in scene.instances))


def _with_body(item: Instance, schema: Schema) -> Instance:
    if item.outline is not None or item.landmarks is None:
        return item
    outline = corner_outline(item.landmarks, schema)
    return item if outline is None else replace(item, outline=outline, landmarks=None, box=outline.box)


def _tell(found: Labelled, translated: Translated) -> None:
    """One line about what a scene loses in translation."""
    counts = (*translated.instances.items(), *translated.points.items())
    lost = [f"{printable(name)} ({count})" for name, count in counts]
    lost += ["the probability of another class"] if translated.rasters else []
    if lost:
        image = printable(translated.scene.image.name)
        words = f"{', '.join(lost)} left out: no place in {found.schema.name}"
        found.options.notice(f"{found.source}: {image}: {words}")


def own_schema(source: Path, form: AnnotationFormat, options: LabelOptions) -> Schema | None:
    """The schema that an annotation's own names make, or None where it holds none."""
    vocabulary = None if form.vocabulary is None else form.vocabulary(source, options)
    if vocabulary is None:
        return None
    if vocabulary.schema is not None:
        return vocabulary.schema
    return schema_from_names(
        source.resolve().stem or form.name,
        vocabulary.task,
        vocabulary.classes,
        vocabulary.landmarks,
        vocabulary.edges,
    )


def unknown_label(found: Labelled, label: str, image: str) -> AnnotationError:
    """The complaint about a label that the wanted schema lacks."""
    others = (
        []
        if found.names is None
        else [
            name for name in labels_of(found.names.source) if name not in found.names.labels and name != label
        ]
    )
    also = f" (nor are {', '.join(map(printable, others[:8]))})" if others else ""
    return AnnotationError(
        f"{found.source}: {printable(image)}: {printable(label[:60])!r} is no label of {found.schema.name}{also} -- "
        f"{nearest(label, labels_of(found.schema))} (pair names in the file of --map, with null to leave one out)"
    )
