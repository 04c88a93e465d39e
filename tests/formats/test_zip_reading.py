from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from spinekit.core.errors import AnnotationError
from spinekit.formats.zip_reading import member_names, open_member


def archive(tmp_path: Path, *members: tuple[str | zipfile.ZipInfo, bytes]) -> Path:
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as written:
        for name, content in (("annotations.xml", b"<annotations/>"), *members):
            written.writestr(name, content)
    return path


def link(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.external_attr = 0o120777 << 16
    return info


def read(path: Path) -> bytes:
    with open_member(path, "annotations.xml") as stream:
        return stream.read()


def test_a_member_is_read_by_its_name(tmp_path: Path) -> None:
    path = archive(tmp_path, ("images/a.png", b"x"))
    assert read(path) == b"<annotations/>"
    assert member_names(path) == ("annotations.xml", "images/a.png")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("../../x", "climbs out"),
        ("/etc/passwd", "is absolute"),
        ("C:/x", "is absolute"),
        ("a\\..\\x", "backslash"),
        ("a/../../x", "climbs out"),
        (link("images/a.png"), "is a link"),
    ],
)
def test_an_archive_that_would_do_harm_is_refused(
    tmp_path: Path, name: str | zipfile.ZipInfo, message: str
) -> None:
    before = sorted(tmp_path.rglob("*"))
    path = archive(tmp_path, (name, b"x"))
    with pytest.raises(AnnotationError, match=message):
        read(path)
    assert sorted(tmp_path.rglob("*")) == [*before, path]


def test_a_doubled_name_is_refused(tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="Duplicate"):
        path = archive(tmp_path, ("annotations.xml", b"<other/>"))
    with pytest.raises(AnnotationError, match=r"holds 'annotations\.xml' twice"):
        read(path)


def test_a_bomb_is_refused_before_it_unfolds(tmp_path: Path) -> None:
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as written:
        written.writestr("annotations.xml", b" " * (20 << 20))
    assert path.stat().st_size < 100_000
    with pytest.raises(AnnotationError, match=r"unfolds to 20971520 bytes, .* times its size"):
        read(path)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"not a zip"])
def test_what_is_no_archive_says_so(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.zip").write_bytes(content)
    assert member_names(tmp_path / "x.zip") == ()
    with pytest.raises(AnnotationError, match="is no sound zip archive"):
        read(tmp_path / "x.zip")


def test_a_missing_member_is_named(tmp_path: Path) -> None:
    with pytest.raises(AnnotationError, match=r"holds no b\.xml"), open_member(archive(tmp_path), "b.xml"):
        pass
