"""``spinekit report`` and ``plots`` of a run as they are said."""

from __future__ import annotations

from pathlib import Path

from tests.cli.conftest import Say
from tests.workflows.made_runs import made_run


def test_the_report_is_made_again_in_another_language(say: Say, tmp_path: Path) -> None:
    made_run(tmp_path / "run", ["a.png"])
    ended = say("report", "run", "--language", "ru", "--out", "told.html")
    assert (ended.code, ended.out) == (0, "told.html\n")
    assert "Протокол измерений" in (tmp_path / "told.html").read_text("utf-8")


def test_what_cannot_be_ends_with_2_and_one_line(say: Say, tmp_path: Path) -> None:
    assert "holds no run.json" in say("report", "nowhere").error()
    made_run(tmp_path / "run", ["a.png"], films=False)
    ended = say("report", "run", "--language", "xx")
    assert "there is no language 'xx'" in ended.error()
    assert ended.code == 2
    assert "there is no such choice" in say("report", "run", "--pictures", "all").error()


def test_plots_of_a_run_are_named_on_standard_output(say: Say, tmp_path: Path) -> None:
    made_run(tmp_path / "run", ["a.png", "b.png", "c.png"], films=False)
    ended = say("plots", "run", "--out", "drawn")
    assert ended.code == 0
    assert ended.out.splitlines() == ["drawn/tilt-by-level-stack.png", "drawn/distributions-deg.png"]
    assert "holds no run.json" in say("plots", "run", "--against", "nowhere").error()
