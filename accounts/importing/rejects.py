"""The file of refused rows: each as it was, with the reason. Cells that a spreadsheet would run are made harmless."""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from accounts.importing.reading import Source, rows
from accounts.importing.stage import Stage
from core.spreadsheets import harmless

PAGE: Final = 20_000


def write(stage: Stage, source: Source, path: Path) -> int:
    """Writes the refused rows to `path`, in the file's order; returns their number."""
    path.parent.mkdir(parents=True, exist_ok=True)
    refused = _refused(stage)
    wanted = next(refused, None)
    written = 0
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        out = csv.writer(file)
        # A workbook's rows are found by sheet and row.
        sheet = [harmless(source.sheet)] if source.sheet else []
        names = [harmless(header) for header in source.headers]
        out.writerow([*names, *(["sheet"] if sheet else []), "row", "reason", "what to do"])
        for row in rows(source):
            if wanted is None:
                break
            if row.line != wanted[0]:
                continue
            cells = [harmless(cell) for cell in row.cells]
            cells += [""] * (len(source.headers) - len(cells))
            out.writerow([*cells, *sheet, row.line, wanted[1], harmless(wanted[2] or "")])
            written += 1
            wanted = next(refused, None)
    return written


def _refused(stage: Stage) -> Iterator[tuple[int, str, str]]:
    """In pages by line, so that a file that is refused as a whole does not fill the memory."""
    if stage.count("r.state = 'reject'") > PAGE:
        stage.execute("CREATE INDEX ON import_row (line) WHERE state = 'reject'")
    last = 0
    while True:
        found = stage.rows(
            "SELECT line, refusal, detail FROM import_row WHERE state = 'reject' AND line > %(last)s "
            f"ORDER BY line LIMIT {PAGE}",
            last=last,
        )
        if not found:
            return
        for line, reason, detail in found:
            yield int(line), str(reason), str(detail or "")
        last = int(found[-1][0])
