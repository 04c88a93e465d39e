"""Settings of any command, checked: what is wrong with them is said in one line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from spinekit.core.errors import UsageError
from spinekit.schemas import nearest

Settings = TypeVar("Settings", bound=BaseModel)


def checked(kind: type[Settings], content: Mapping[str, Any]) -> Settings:
    """Settings from loose values; what is wrong is said in one line.

    Args:
        kind: Type of the settings.
        content: Values by name.

    Raises:
        UsageError: Naming the setting and what is wrong with it.
    """
    try:
        return kind.model_validate(dict(content))
    except ValidationError as error:
        fault = error.errors()[0]
        name = ".".join(str(part) for part in fault["loc"]) or kind.__name__
        if fault["type"] == "extra_forbidden":
            raise UsageError(f"there is no setting {name!r} -- {nearest(name, kind.model_fields)}") from None
        message = fault["msg"].removeprefix("Value error, ")
        given = f" is {fault['input']!r}" if isinstance(fault["input"], str | int | float) else ""
        raise UsageError(f"{name}{given} -- {message[:1].lower()}{message[1:]}") from None
