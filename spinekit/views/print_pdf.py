"""A page printed to PDF by a Chromium of this machine, which gets no network."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from spinekit.core.errors import EnvironmentFaultError
from spinekit.files import atomic_path

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge")
_SECONDS = 600
_OPTIONS = (
    "--headless=new", "--disable-gpu", "--no-first-run", "--disable-extensions", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--host-resolver-rules=MAP * ~NOTFOUND", "--no-pdf-header-footer",
)  # fmt: skip


def find_browser() -> str | None:
    """The first of `BROWSERS` that is on the path, or None."""
    return next((found for name in BROWSERS if (found := shutil.which(name))), None)


def print_pdf(page: Path, target: Path) -> Path:
    """Prints a page of this machine, whole or not at all.

    Args:
        page: The HTML file.
        target: The PDF to be.

    Raises:
        EnvironmentFaultError: If there is no Chromium, or it does not print.
    """
    browser = find_browser()
    if browser is None:
        raise EnvironmentFaultError(
            f"{target}: no Chromium was found to print with -- install chromium, or open {page.name} and print it"
        )
    with atomic_path(target) as temporary, tempfile.TemporaryDirectory(prefix="spinekit-print-") as profile:
        # In a container everything runs as root, where Chromium's own sandbox does not.
        rooted = ("--no-sandbox",) if hasattr(os, "geteuid") and os.geteuid() == 0 else ()
        words = [browser, *_OPTIONS, *rooted, f"--user-data-dir={profile}", f"--print-to-pdf={temporary}"]
        try:
            done = subprocess.run(
                [*words, page.resolve().as_uri()], capture_output=True, timeout=_SECONDS, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise EnvironmentFaultError(
                f"{target}: {Path(browser).name} did not print ({error}) -- open {page.name} and print it"
            ) from error
        if done.returncode != 0 or temporary.stat().st_size == 0:
            raise EnvironmentFaultError(
                f"{target}: {Path(browser).name} ended with {done.returncode} and printed nothing -- "
                f"open {page.name} and print it"
            )
    return target
