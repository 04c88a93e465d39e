"""One body, one name: what a mask network says of levels, brought into the order of the spine."""

from __future__ import annotations

from dataclasses import replace

from spinekit.core.scene import Instance, Scene


def unique_levels(scene: Scene, confidence: float) -> Scene:
    """Keeps the most certain instance of each class, in the schema's order.

    Args:
        scene: Instances labelled with classes of the schema.
        confidence: Least score.

    Returns:
        The scene with at most one instance of each class, and a note on classes in between that are missing.
    """
    best: dict[str, Instance] = {}
    for item in scene.instances:
        if item.score >= confidence and (item.label not in best or item.score > best[item.label].score):
            best[item.label] = item
    order = scene.schema.classes
    named = tuple(best[label] for label in order if label in best)
    if not named:
        return replace(scene, instances=())
    first, last = order.index(named[0].label), order.index(named[-1].label)
    missing = [label for label in order[first : last + 1] if label not in best]
    notes = (f"not found between {order[first]} and {order[last]}: {', '.join(missing)}",) if missing else ()
    return replace(scene, instances=named, notes=(*scene.notes, *notes))
