"""The kinds of synthetic films, by name."""

from __future__ import annotations

from typing import Literal

Kind = Literal["spine-ap", "spine-lateral", "skull-lateral", "orbit", "membrane"]
