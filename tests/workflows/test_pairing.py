from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from spinekit.core.errors import AnnotationError, UsageError
from spinekit.core.image import ImageRef
from spinekit.core.scene import Raster, Scene
from spinekit.core.schema import LandmarkDefinition, Schema
from spinekit.core.spacing import Spacing, SpacingOrigin
from spinekit.workflows.grouping import Table
from spinekit.workflows.pairing import PairingRules, Unpaired, by_one_reader, paired, refused_images
from tests.workflows.labelled_films import block, dots

POINTS = Schema("two", 1, "", "pose", "", ("thing",), landmarks=tuple(LandmarkDefinition(n, n) for n in "AB"))


def scene(name: str, notes: tuple[str, ...] = (), side: int = 100) -> Scene:
    image = ImageRef(Path(name), side, side, name=name)
    return Scene(image, POINTS, (dots(POINTS, [[1, 2], [3, 4]]),), notes=notes)


def names(found: Sequence[str] | Iterator[str]) -> list[str]:
    return sorted(found)


def pairs(
    predicted: Sequence[Scene], truth: Sequence[Scene], rules: PairingRules | None = None
) -> tuple[dict[str, str | None], Unpaired]:
    rest = Unpaired()
    made = paired(iter(predicted), iter(truth), rules or PairingRules(), rest)
    return {p.name: None if p.predicted is None else p.predicted.image.name for p in made}, rest


def test_names_decide_whatever_the_order() -> None:
    letters = [f"{letter}.png" for letter in "abcdef"]
    found, rest = pairs([scene(n) for n in reversed(letters)], [scene(n) for n in letters])
    assert found == {name: name for name in letters}
    assert rest == Unpaired()


def test_streams_of_one_order_are_not_gathered() -> None:
    """The first pair comes before the third scene of either side is read."""
    read: list[str] = []

    def stream(side: str) -> Iterator[Scene]:
        for number in range(100):
            read.append(f"{side}{number}")
            yield scene(f"{number}.png")

    next(paired(stream("p"), stream("t"), PairingRules(), Unpaired()))
    assert len(read) == 2


def test_folders_and_suffixes_may_differ_where_one_of_each_is_left() -> None:
    predicted = [scene("a.jpg"), scene("b.png"), scene("x/c.png"), scene("y/c.png")]
    truth = [scene("films/a.jpg"), scene("masks/b.tif"), scene("z/c.png")]
    found, rest = pairs(predicted, truth)
    assert found == {"films/a.jpg": "a.jpg", "masks/b.tif": "b.png"}
    assert rest.not_predicted == ["z/c.png"]
    assert names(rest.without_truth) == ["x/c.png", "y/c.png"]


def test_films_that_a_run_calls_by_their_content_are_paired_by_it() -> None:
    def hashed(name: str, sha256: str) -> Scene:
        one = scene(name)
        return replace(one, image=replace(one.image, sha256=sha256 * 32))

    truth = [hashed("Ivanov/1.dcm", "ab"), hashed("Petrov/1.dcm", "cd"), hashed("Sidorov.dcm", "ef")]
    found = [hashed("film-cdcdcdcdcdcd.dcm", "cd"), hashed("film-abababababab.dcm", "ab")]
    made, rest = pairs(found, truth, PairingRules(refused=frozenset({"film-efefefefefef.dcm"})))
    assert made == {
        "Ivanov/1.dcm": "film-abababababab.dcm", "Petrov/1.dcm": "film-cdcdcdcdcdcd.dcm", "Sidorov.dcm": None,
    }  # fmt: skip
    assert rest.without_answer == ["Sidorov.dcm"]


def test_what_is_missing_counts_where_it_was_asked_for() -> None:
    truth = [scene("a.png"), scene("b.png")]
    found, rest = pairs([scene("a.png")], truth)
    assert (found, rest.not_predicted) == ({"a.png": "a.png"}, ["b.png"])
    found, rest = pairs([scene("a.png")], truth, PairingRules(count_missing=True))
    assert (found["b.png"], rest.without_answer, rest.not_predicted) == (None, ["b.png"], [])
    found, rest = pairs([scene("a.png")], truth, PairingRules(refused=frozenset({"b.png"})))
    assert rest.without_answer == ["b.png"]


def test_parts_groups_and_remarks() -> None:
    table = Table(
        Path("split.csv"), ("group", "part"),
        {"a.png": {"group": "p1", "part": "test"}, "b.png": {"group": "p2", "part": "train"}},
    )  # fmt: skip
    films = [scene("in/a.png", ("suspect",)), scene("in/b.png"), scene("in/c.png")]
    found, rest = pairs(films, films, PairingRules("test", table))
    assert list(found) == ["in/a.png"]
    assert rest.groups == {"in/a.png": "p1"}
    assert rest.noted == 1
    assert rest.left_out == {"they are in part train": 1, "they are in no part": 1}
    assert names(rest.without_truth) == ["in/b.png", "in/c.png"]
    found, rest = pairs(films, films, PairingRules(skip_noted=True))
    assert rest.left_out == {"their true labels carry a remark": 1}
    assert "in/a.png" not in found


def test_images_of_another_size_are_named_not_compared() -> None:
    found, rest = pairs([scene("a.png", side=50), scene("b.png")], [scene("a.png"), scene("b.png")])
    assert list(found) == ["b.png"]
    assert rest.unlike == [
        "a.png: predicted on 50x50 pixels, labelled on 100x100 -- predict the image that was labelled"
    ]
    small = replace(scene("c.png"), raster=Raster(labels=np.zeros((10, 20), np.uint8)))
    found, rest = pairs([small], [scene("c.png")])
    assert not found
    assert "20x10" in rest.unlike[0]


def test_an_image_that_comes_twice_is_refused() -> None:
    with pytest.raises(AnnotationError, match=r"TRUTH: a\.png comes twice"):
        pairs([scene("a.png")], [scene("a.png"), scene("a.png")])


def test_one_spacing_for_both_sides() -> None:
    half, tenth = (Spacing(size, size, SpacingOrigin.STATED) for size in (0.5, 0.1))
    known = scene("a.png")
    known = replace(known, image=replace(known.image, spacing=half))
    for predicted, truth, rules, wanted in (
        (known, scene("a.png"), PairingRules(), half),
        (scene("a.png"), known, PairingRules(), half),
        (known, known, PairingRules(spacing=tenth), tenth),
        (scene("a.png"), scene("a.png"), PairingRules(), None),
    ):
        (pair,) = paired(iter([predicted]), iter([truth]), rules, Unpaired())
        assert pair.predicted is not None
        assert pair.truth.image.spacing == pair.predicted.image.spacing == wanted


def read_by(reader: str, x: float) -> Scene:
    one = scene("a.png")
    return replace(one, instances=(replace(dots(POINTS, [[x, 2], [3, 4]]), reader=reader),))


def test_readers_are_averaged_or_named() -> None:
    both = replace(
        read_by("senior", 1), instances=(*read_by("senior", 1).instances, *read_by("junior", 3).instances)
    )
    told: list[str] = []
    (mean,) = by_one_reader([both], None, "--truth-reader", told.append)
    assert mean.instances[0].landmarks is not None
    assert mean.instances[0].landmarks.xy[0].tolist() == [2, 2]
    assert len(told) == 1
    (one,) = by_one_reader([both], "junior", "--truth-reader", told.append)
    assert [item.reader for item in one.instances] == ["junior"]
    with pytest.raises(UsageError, match="the readers are senior, junior"):
        list(by_one_reader([both], "nobody", "--truth-reader", told.append))
    drawn = replace(both, instances=tuple(replace(block("thing", 5, 5), reader=r) for r in ("x", "y")))
    with pytest.raises(UsageError, match="--truth-reader"):
        list(by_one_reader([drawn], None, "--truth-reader", told.append))


def test_what_a_run_gave_up_is_read_from_its_table(tmp_path: Path) -> None:
    assert refused_images(tmp_path) == frozenset()
    (tmp_path / "failures.csv").write_text(
        "file,status,reason\na.png,abstained,x\nb.txt,skipped,x\n'=c.png,failed,x\n"
    )
    assert refused_images(tmp_path) == {"a.png", "=c.png"}
    assert refused_images(tmp_path / "predictions.jsonl") == {"a.png", "=c.png"}
    (tmp_path / "failures.csv").write_text("something,else\n")
    assert refused_images(tmp_path) == frozenset()
