from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from spinekit.core.errors import UsageError
from spinekit.schemas import load_schema, load_yaml
from spinekit.schemas.spine_prior import lines, prior_of, priors


def test_every_shipped_prior_is_whole_and_comes_back_from_its_lines(tmp_path: Path) -> None:
    for prior in priors():
        assert len(prior.log_width) == len(prior.levels) == len(prior.pitch) + 1
        assert bool((np.concatenate([prior.width_sd, prior.pitch_sd, prior.tilt_sd]) > 0).all())
        path = tmp_path / "prior.yaml"
        path.write_text("\n".join(lines(prior)), encoding="utf-8")
        content = load_yaml(path)
        assert isinstance(content, dict)
        assert content["view"] == prior.view
        assert content.get("evidence", {}) == prior.evidence
        np.testing.assert_allclose(content["pitch"], prior.pitch, atol=5e-4)


@pytest.mark.parametrize(
    ("schema", "view"),
    [
        ("spine-ap", "spine, frontal"),
        ("spine-ap-levels", "spine, frontal"),
        ("spine-lateral", "spine, lateral"),
        ("mri-lumbar", "spine, sagittal MRI"),
        ("vertebrae", "spine, lateral"),
    ],
)
def test_a_schema_gets_the_prior_of_its_view(schema: str, view: str) -> None:
    found = prior_of(load_schema(schema))
    assert found.view == view
    assert set(found.levels) <= set(load_schema(schema).levels)


def test_a_few_levels_get_their_part() -> None:
    short = replace(load_schema("spine-ap"), levels=("T11", "T12", "L1"))
    found = prior_of(short)
    assert found.levels == short.levels
    assert found.pitch.shape == (2,)


def test_levels_of_no_known_spine_are_refused_in_one_line() -> None:
    with pytest.raises(UsageError, match="levels are those of no known spine -- name them") as told:
        prior_of(replace(load_schema("spine-ap"), levels=("one", "two")))
    assert "\n" not in str(told.value)
