"""The labels of one image as a YOLO data set holds them, for whoever writes such a set."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from spinekit.core.errors import AnnotationError, UsageError
from spinekit.core.landmarks import Landmarks, Visibility
from spinekit.core.scene import Instance, Scene
from spinekit.core.schema import Schema
from spinekit.formats.rings import corner_outline, within
from spinekit.formats.sources import all_labels
from spinekit.formats.yolo_rows import box_row, points_box, pose_row, seg_row

TASKS = ("pose", "seg", "detect", "sem")


@dataclass(frozen=True, slots=True)
class LabelPlan:
    """What the labels of a data set are to be.

    Attributes:
        schema: Gives classes and landmarks.
        task: ``pose``, ``seg``, ``detect`` or ``sem``.
        names: What class numbers stand for.
        margin: Room around the landmarks' box, as a part of the mean of its sides; None to keep the
            instance's own box.
    """

    schema: Schema
    task: str
    names: tuple[str, ...]
    margin: float | None = None


@dataclass(slots=True)
class Losses:
    """What did not go into the labels as it is, one line each.

    Attributes:
        dropped: Instances without a row.
        clipped: Instances of which a part is missing.
        points_outside: How many landmarks outside their image were written as absent.
    """

    dropped: list[str] = field(default_factory=list)
    clipped: list[str] = field(default_factory=list)
    points_outside: int = 0


def plan_for(schema: Schema) -> LabelPlan:
    """Labels as scenes of a schema have them: its task, its levels among the classes, their own boxes."""
    if schema.task not in TASKS:
        raise UsageError(f"{schema.name}: YOLO has no task {schema.task!r} -- {', '.join(TASKS)}")
    return LabelPlan(schema, schema.task, all_labels(schema))


def label_rows(scene: Scene, plan: LabelPlan, losses: Losses) -> str:
    """The text of the label file of an image.

    Args:
        scene: The image's instances; their schema may differ from the plan's where labels agree.
        plan: Says what rows are wanted.
        losses: Hears of what does not go in.

    Raises:
        AnnotationError: If an instance lacks what a row of the task is made of, and own boxes are kept.
        UsageError: If its label is no class of the plan.
    """
    rows = []
    for item in scene.instances:
        class_id = class_number(item, plan)
        if plan.task == "pose":
            row = _pose(item, class_id, scene, plan, losses)
            reason = "no landmark within the image"
        elif plan.task == "detect":
            row, reason = box_row(class_id, item.box, scene.image), "no part of its box within the image"
        else:
            row, reason = _shape(item, class_id, scene, plan, losses), "no outline within the image"
        if row is None:
            losses.dropped.append(f"{scene.image.name}: {item.label}: {reason}")
        else:
            rows.append(f"{row}\n")
    return "".join(rows)


def class_number(instance: Instance, plan: LabelPlan) -> int:
    """The class of an instance; a level counts as the only class of a plan that has one."""
    if instance.label in plan.names:
        return plan.names.index(instance.label)
    levels = plan.schema.levels
    if len(plan.names) == 1 and (instance.label in levels or not levels):
        return 0
    raise UsageError(
        f"{instance.label} is no class of {plan.schema.name} -- its classes: {', '.join(plan.names)}"
    )


def _pose(item: Instance, class_id: int, scene: Scene, plan: LabelPlan, losses: Losses) -> str | None:
    points = item.landmarks
    names = plan.schema.landmark_names
    if points is None and plan.margin is None:
        # A box whose points nobody placed: the library learns the box and asks nothing of the points.
        points = Landmarks(names, np.full((len(names), 2), np.nan), np.zeros(len(names), dtype=np.int8))
    if points is None or points.names != names:
        return None
    around = points_box(points, scene.image, 0.0 if plan.margin is None else plan.margin)
    box = item.box if plan.margin is None and box_row(class_id, item.box, scene.image) else around
    if box is None:
        return None
    if plan.margin is not None and (points.visibility == Visibility.ABSENT).any():
        # Of a body that is marked in part the own box tells how far the rest reaches.
        box = (*np.minimum(box[:2], item.box[:2]).tolist(), *np.maximum(box[2:], item.box[2:]).tolist())
    row, outside = pose_row(class_id, box, points, scene.image)
    losses.points_outside += outside
    if outside:
        losses.clipped.append(
            f"{scene.image.name}: {item.label}: {outside} landmarks outside the image, written as absent"
        )
    return row


def _shape(item: Instance, class_id: int, scene: Scene, plan: LabelPlan, losses: Losses) -> str | None:
    outline = item.outline
    if outline is None and item.landmarks is not None:
        outline = corner_outline(item.landmarks, scene.schema)
    if outline is None or not outline.rings:
        if plan.margin is None:
            raise AnnotationError(
                f"{scene.image.name}: {item.label} has no outline -- write it in another format"
            )
        return None
    row = seg_row(class_id, outline, scene.image)
    if row is not None and within(outline, scene.image.height, scene.image.width) is not outline:
        losses.clipped.append(f"{scene.image.name}: {item.label}: cut at the image's edge")
    return row
