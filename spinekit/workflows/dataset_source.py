"""What every command on a data set is told of it: where it lies, its format, its names, its images."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from spinekit.core.scene import Scene
from spinekit.formats.plugin import LabelOptions
from spinekit.workflows.labelled import Labelled, find_labelled, read_labelled

Progress = Callable[[int, str], None]
"""Told after each image: how many are done, and its name."""


class DataSource(BaseModel):
    """A labelled data set.

    Attributes:
        data: Folder or file of the annotations.
        format: Their format, see ``spinekit formats``; None to tell it by the content.
        schema_name: Landmark or class set, a name or a file; None to use the names in the annotations.
        images: Folder of the images, where the format does not know.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    data: Path
    format: str | None = None
    schema_name: str | None = None
    images: Path | None = None

    def labelled(self, notice: Callable[[str], None]) -> Labelled:
        """The annotations, found and ready to be read.

        Args:
            notice: Told of everything that is passed over.

        Raises:
            UsageError: If the data, the format or the schema cannot be told.
        """
        options = LabelOptions(images=self.images, notice=notice)
        return find_labelled(self.data, self.format, self.schema_name, options)


def scenes_of(found: Labelled, on_progress: Progress | None = None) -> Iterator[Scene]:
    """The scenes of a data set, with progress told as they are used up.

    Args:
        found: From `DataSource.labelled`.
        on_progress: Told after each image.
    """
    for done, scene in enumerate(read_labelled(found), start=1):
        yield scene
        if on_progress is not None:
            on_progress(done, scene.image.name)
