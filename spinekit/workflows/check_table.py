"""The table of a check's findings."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from spinekit.files import printable, write_text
from spinekit.formats.sources import safe_cell
from spinekit.workflows.dataset_check import CheckReport

COLUMNS = ("severity", "rule", "file", "place", "why", "mend")


def write_findings(path: Path, report: CheckReport) -> None:
    """Writes ``severity,rule,file,place,why,mend`` rows, whole or not at all."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for finding in report.findings:
        cells = (finding.file, finding.place, finding.why, finding.rule.mend)
        words = (safe_cell(printable(cell)) for cell in cells)
        writer.writerow((str(finding.rule.severity), finding.rule.name, *words))
    write_text(path, text.getvalue())
