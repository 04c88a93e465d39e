"""Each fault of an installation is seen in a faked one, and is told with the way to mend it."""

from __future__ import annotations

import os
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from typing import Any

import pytest

from spinekit.workflows import doctor as looking
from spinekit.workflows import installation as judge
from spinekit.workflows.installation import GIB, Check, Status, Trial
from tests.conftest import PACKAGE_PARENT

OK, WARN, FAULT = Status.OK, Status.WARN, Status.FAULT
BROKEN = Trial(None, "crashed (SIGSEGV)")
SOUND_LIBRARY = {
    "safe loading": True, "online": False, "installs packages": False, "switched on": [], "account": False,
    "opener replaced": False, "settings": "settings.json",
}  # fmt: skip


def told(check: Check, status: Status, *words: str) -> None:
    assert check.status is status
    assert all(word in f"{check.found} {check.mend}" for word in words), check
    assert check.mend or status is OK, "whatever is wrong can be mended"
    assert check.name
    assert "\n" not in check.found + check.mend


# --- Python and packages ---


def test_python_must_be_new_enough_and_of_64_bits() -> None:
    told(judge.check_python((3, 11, 0), 64), OK, "3.11.0")
    told(judge.check_python((3, 10, 9), 64), FAULT, "3.10.9", "3.11 or newer")
    told(judge.check_python((3, 12, 1), 32), FAULT, "64 bits")


VERSIONS = {"numpy": "1.26.0", "torch": "2.7.0+cu126", "rich": "14.0rc1"}


def version_of(name: str) -> str:
    if name not in VERSIONS:
        raise PackageNotFoundError(name)
    return VERSIONS[name]


def test_packages_are_held_against_the_bounds_of_the_metadata() -> None:
    old, missing = judge.check_packages(
        ["numpy>=2.0", "torch>=2.6", "rich>=13.9", "typer>=0.15", "openvino>=2025; extra == 'openvino'"],
        version_of,
    )
    told(old, FAULT, "is 1.26.0, wanted >=2.0", "pip install 'numpy>=2.0'")
    told(missing, FAULT, "is not installed", "pip install 'typer>=0.15'")
    (fine,) = judge.check_packages(
        ["torch>=2.6", "rich>=13.9", "pywin32; sys_platform == 'none'"], version_of
    )
    told(fine, OK, "2 packages")
    (unknown,) = judge.check_packages(None, version_of)
    told(unknown, WARN, "runs from a folder")


# --- what is tried out ---


def test_torch_and_torchvision_must_match() -> None:
    versions = {"torch": "2.7.0", "torchvision": "0.22.0"}
    told(judge.check_torch(Trial({**versions, "kept": [0, 2]})), OK, "0.22.0")
    told(judge.check_torch(Trial({**versions, "kept": [0, 1, 2]})), FAULT, "wrong answers")
    told(judge.check_torch(BROKEN), FAULT, "SIGSEGV", "both at once")


def test_each_codec_that_fails_is_named() -> None:
    (fine,) = judge.check_codecs(Trial({"RLE": "", "JPEG 2000": ""}))
    told(fine, OK, "RLE", "JPEG 2000")
    (one,) = judge.check_codecs(Trial({"RLE": "", "JPEG 2000": "no decoder is installed"}))
    told(one, FAULT, "no decoder", "pylibjpeg-openjpeg")
    assert one.name == "codec JPEG 2000"
    (none,) = judge.check_codecs(BROKEN)
    told(none, FAULT, "SIGSEGV")


def test_opencv_must_load_and_be_alone() -> None:
    fine = Trial({"version": "4.10.0"})
    told(judge.check_opencv(["opencv-python"], [], fine), OK, "4.10.0")
    both = judge.check_opencv(["opencv-python", "opencv-python-headless"], [], fine)
    told(both, WARN, "overwrite each other", "pip uninstall -y opencv-python opencv-python-headless")
    told(judge.check_opencv(["opencv-python"], ["PyQt5"], fine), WARN, "clash with PyQt5", "headless")
    told(judge.check_opencv(["opencv-python-headless"], ["PyQt5"], fine), OK)
    missing = Trial(None, "ImportError: libGL.so.1: cannot open shared object file")
    told(judge.check_opencv(["opencv-python"], [], missing), FAULT, "libGL.so.1", "libgl1")


@pytest.mark.parametrize(
    ("door", "value", "words"),
    [
        ("safe loading", False, "with code in them"),
        ("online", True, "online"),
        ("installs packages", True, "install packages"),
        ("switched on", ["wandb", "sync"], "wandb, sync switched on"),
        ("account", True, "key of an account"),
        ("opener replaced", True, "Pillow's opener"),
    ],
)
def test_an_open_door_of_ultralytics_is_a_fault(door: str, value: object, words: str) -> None:
    (fine,) = judge.check_library(Trial(SOUND_LIBRARY))
    told(fine, OK, "offline")
    (open_,) = judge.check_library(Trial({**SOUND_LIBRARY, door: value}))
    told(open_, FAULT, words, "remove settings.json")
    (broken,) = judge.check_library(BROKEN)
    told(broken, FAULT, "cannot be loaded")


def test_a_gpu_that_torch_does_not_see_is_a_warning() -> None:
    seen, without = Trial({"built for": "12.6", "names": ["A GPU"]}), Trial({"built for": "", "names": []})
    told(judge.check_gpu("/dev/nvidia0", seen), OK, "A GPU")
    told(judge.check_gpu("", without), OK, "processor")
    told(judge.check_gpu("/dev/nvidia0", without), WARN, "built without CUDA", "https://pytorch.org")
    told(judge.check_gpu("nvidia-smi", Trial({"built for": "12.6", "names": []})), WARN, "CUDA 12.6")
    told(judge.check_gpu("nvidia-smi", BROKEN), WARN, "SIGSEGV")


def test_weights_must_be_there_and_as_their_cards_say() -> None:
    told(judge.check_models(Trial({"a": "", "b": ""}))[0], OK, "2, each")
    told(judge.check_models(Trial({"a": "", "b": "its sha256 is not"}))[0], FAULT, "sha256", "reinstall")
    told(judge.check_models(Trial({}))[0], FAULT, "no weights")
    told(judge.check_models(BROKEN)[0], FAULT, "SIGSEGV")


def test_what_may_be_missing_is_no_fault() -> None:
    told(
        judge.check_extra("openvino", "", "an export", "pip install openvino"), OK, "only an export needs it"
    )
    told(judge.check_extra("openvino", "2025.1", "an export", ""), OK, "2025.1")


# --- the machine ---


def test_folders_must_be_writable_and_have_space(tmp_path: Path) -> None:
    def check(fault: str, free: int | None) -> Check:
        return judge.check_folder("here", tmp_path, fault, free, GIB, "name a folder with --out")

    told(check("", 5 * GIB), OK, "5 GiB free")
    told(check("", None), OK, str(tmp_path))
    told(check("", GIB // 2), WARN, "512 MiB left, wanted 1024", "--out")
    told(check("", 1 << 20), FAULT, "1 MiB left")
    told(check("Permission denied", GIB), FAULT, "cannot be written (Permission denied)", "--out")


def test_cores_and_memory_of_a_container() -> None:
    told(judge.check_cores(8, None), OK, "8")
    told(judge.check_cores(8, 8.0), OK, "8")
    told(judge.check_cores(8, 1.5), WARN, "8 seen, 1.5 granted", "--threads 2")
    told(judge.check_memory(16 * GIB, None), OK, "16.0 GiB")
    told(judge.check_memory(16 * GIB, 3 * GIB), WARN, "3.0 GiB")
    told(judge.check_memory(GIB, None), FAULT, "1.0 GiB")
    told(judge.check_memory(None, None), OK, "unknown")


@pytest.mark.parametrize(
    ("files", "cores", "memory"),
    [
        ({}, None, None),
        ({"cpu.max": "max 100000", "memory.max": "max"}, None, None),
        ({"cpu.max": "150000 100000", "memory.max": str(3 * GIB)}, 1.5, 3 * GIB),
        ({"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}, None, None),
        (
            {"cpu/cpu.cfs_quota_us": "50000", "cpu/cpu.cfs_period_us": "100000",
             "memory/memory.limit_in_bytes": "9223372036854771712"},
            0.5, None,
        ),
        ({"cpu.max": "rubbish", "memory.max": "rubbish"}, None, None),
    ],
)  # fmt: skip
def test_limits_are_read_from_either_kind_of_container(
    tmp_path: Path, files: dict[str, str], cores: float | None, memory: int | None
) -> None:
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text + "\n")
    assert looking.granted_cores(tmp_path) == cores
    assert looking.granted_memory(tmp_path) == memory


def test_letters_other_than_utf8_are_warned_of() -> None:
    told(judge.check_words("utf-8", "UTF_8"), OK)
    told(judge.check_words("ANSI_X3.4-1968", "utf-8"), WARN, "garbled", "LANG=C.UTF-8")


def test_a_folder_that_cannot_be_written_is_seen(tmp_path: Path) -> None:
    assert looking.write_fault(tmp_path) == ""
    assert list(tmp_path.iterdir()) == []
    assert looking.write_fault(tmp_path / "gone") == "No such file or directory"
    if os.geteuid():  # root writes everywhere
        tmp_path.chmod(0o500)
        assert looking.write_fault(tmp_path) == "Permission denied"


# --- tried in processes of their own, in environments that are faked ---


def fake(folder: Path, monkeypatch: pytest.MonkeyPatch, **modules: str) -> None:
    """Modules that stand before the real ones for whatever is started."""
    for name, code in modules.items():
        (folder / name).mkdir()
        (folder / name / "__init__.py").write_text(code)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(folder), str(PACKAGE_PARENT)]))


def test_a_library_that_fails_or_crashes_is_survived(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    line = "operator torchvision::nms does not exist"
    fake(
        tmp_path,
        monkeypatch,
        torch="",
        torchvision=f"raise RuntimeError({line!r})",
        cv2="import os; os.abort()",
    )
    assert line in looking.tried("-m", "spinekit.models.trial", "vision").fault
    assert looking.tried("-c", "import cv2").fault == "crashed (SIGABRT)"
    assert looking.tried("-c", "print('hello')").fault == "said 'hello'"
    assert looking.tried("-c", "import sys; sys.exit(7)").fault == "ended with 7"
    assert looking.tried("-c", "print(1)\nprint('{}')").answer == {}


def test_a_folder_of_the_user_that_is_called_like_a_library_is_not_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "json").mkdir()
    (tmp_path / "json" / "__init__.py").write_text("raise SystemExit('the folder of the user')")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(PACKAGE_PARENT))
    assert looking.tried("-c", "import json; print(json.dumps({}))").answer == {}


def test_a_codec_that_is_missing_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (whole,) = judge.check_codecs(looking.tried("-m", "spinekit.formats.codec_trial"))
    told(whole, OK, "JPEG Baseline, JPEG Lossless, JPEG-LS, JPEG 2000, RLE")
    missing = "raise ImportError('no such codec')"
    fake(tmp_path, monkeypatch, openjpeg=missing, jpeg_ls=missing, libjpeg=missing)
    found = judge.check_codecs(looking.tried("-m", "spinekit.formats.codec_trial"))
    assert {check.name for check in found} >= {"codec JPEG Lossless", "codec JPEG-LS"}
    for check in found:
        told(check, FAULT, "pip install")


# --- the whole of it ---


@pytest.fixture
def sound(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, Any]:
    """A machine on which all is well, as far as it is tried out; tests break one thing."""
    answers: dict[str, Any] = {
        "vision": {"torch": "2.7.0", "torchvision": "0.22.0", "kept": [0, 2]},
        "library": SOUND_LIBRARY,
        "gpu": {"built for": "", "names": []},
        "weights": {"spine-ap-pose": ""},
        "spinekit.formats.codec_trial": {"RLE": ""},
        looking._OPENCV: {"version": "4.10.0"},
    }

    def tried(*words: str) -> Trial:
        answer = answers[words[-1]]
        return Trial(None, answer) if isinstance(answer, str) else Trial(answer)

    monkeypatch.setattr(looking, "tried", tried)
    monkeypatch.setenv("SPINEKIT_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    return answers


def test_a_sound_machine_has_no_fault(sound: dict[str, Any]) -> None:
    checks = looking.doctor()
    assert looking.well_enough(checks), [check for check in checks if check.status is FAULT]
    names = [check.name for check in checks]
    assert {"python", "torch", "ultralytics", "codecs", "opencv", "models", "gpu", "here", "cache"} <= set(
        names
    )
    assert len(set(names)) == len(names)


@pytest.mark.parametrize(
    ("what", "name"),
    [("vision", "torch"), ("library", "ultralytics"), ("weights", "models"), (looking._OPENCV, "opencv")],
)
def test_one_fault_is_told_among_the_rest(sound: dict[str, Any], what: str, name: str) -> None:
    sound[what] = "crashed (SIGILL)"
    checks = looking.doctor()
    assert not looking.well_enough(checks)
    (bad,) = [check for check in checks if check.status is FAULT]
    assert bad.name == name
    told(bad, FAULT, "SIGILL")
