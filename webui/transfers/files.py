"""Files of transfers: where they stand, reading an upload in its own process, writing a sheet. Must not know lists."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

import xlsxwriter

from cti.settings import Settings
from webui.transfers.registry import Cell

READER = Path(__file__).with_name("reader.py")
FORMATS = {Cell.MONEY: "0.00", Cell.DATE: "yyyy-mm-dd", Cell.TIME: "yyyy-mm-dd hh:mm:ss", Cell.WHOLE: "0"}
WIDTHS = {Cell.MONEY: 12, Cell.DATE: 12, Cell.TIME: 20, Cell.PHONE: 18, Cell.YES_NO: 8, Cell.WHOLE: 12}
BEGINS_FORMULA = ("=", "+", "-", "@", "\t", "\r")
LONGEST_CELL = 32_000

UPLOAD, ROWS, WRONG, SHEET, WRONG_SHEET = "upload", "rows.jsonl", "wrong.jsonl", "xlsx", "wrong.xlsx"


class UnreadableFile(Exception):
    """``code`` as ``webui.transfers.reader`` gives it."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def path_of(settings: Settings, transfer_id: str, what: str) -> Path:
    folder = settings.var / "transfers"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder / f"{transfer_id}.{what}"


def remove(settings: Settings, transfer_id: str) -> None:
    for what in (UPLOAD, ROWS, WRONG, SHEET, WRONG_SHEET):
        path_of(settings, transfer_id, what).unlink(missing_ok=True)


def read_upload(settings: Settings, transfer_id: str, most: int, alive: Callable[[], None]) -> int:
    """Turn the upload into lines; how many rows. ``alive`` is called while it goes on. Raises ``UnreadableFile``."""
    source, target = (path_of(settings, transfer_id, what) for what in (UPLOAD, ROWS))
    limits = (str(settings.transfer_memory), str(settings.transfer_seconds))
    command = [sys.executable, "-I", str(READER), str(source), str(target), str(most), *limits]
    ends = time.monotonic() + settings.transfer_seconds * 4 + 5
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as child:
        while True:
            try:
                said, _errors = child.communicate(timeout=5)
                break
            except subprocess.TimeoutExpired:
                alive()
                if time.monotonic() > ends:
                    child.kill()
    try:
        answer = json.loads(said or b"{}")
    except ValueError:
        answer = {}
    if "rows" not in answer:
        target.unlink(missing_ok=True)
        raise UnreadableFile(answer.get("error", "memory"))
    return int(answer["rows"])


def lines(path: Path) -> Iterator[Any]:
    if not path.exists():
        return
    with path.open(encoding="utf-8") as file:
        for line in file:
            if line.endswith("\n"):  # what a killed process left half is not there
                yield json.loads(line)


def write_sheet(path: Path, headings: Sequence[tuple[str, Cell]], rows: Iterable[Sequence[Any]], name: str) -> int:
    """A workbook with one sheet, in constant memory; how many rows. Text is never a formula, link or number."""
    options = {
        "constant_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
        "tmpdir": str(path.parent),
    }
    partial = path.with_suffix(".part")
    count = 0
    with xlsxwriter.Workbook(str(partial), options) as book:
        sheet = book.add_worksheet(name[:31])
        formats = {cell: book.add_format({"num_format": text}) for cell, text in FORMATS.items()}
        text, quoted = book.add_format({"num_format": "@"}), book.add_format({"num_format": "@", "quote_prefix": True})
        head = book.add_format({"bold": True, "bg_color": "#E2E8F0", "bottom": 1})
        for at, (title, cell) in enumerate(headings):
            sheet.set_column(at, at, WIDTHS.get(cell, max(12, min(30, len(title) * 2))))
            sheet.write_string(0, at, title, head)
        sheet.freeze_panes(1, 0)
        for count, row in enumerate(rows, 1):
            for at, value in enumerate(row):
                if isinstance(value, str):
                    inert = quoted if value.startswith(BEGINS_FORMULA) else text
                    sheet.write_string(count, at, value[:LONGEST_CELL], inert)
                elif isinstance(value, datetime | date):
                    sheet.write_datetime(count, at, value, formats[headings[at][1]])
                elif value is not None:
                    sheet.write_number(count, at, value, formats.get(headings[at][1]))
        if count:
            sheet.autofilter(0, 0, count, len(headings) - 1)
    partial.replace(path)
    return count
