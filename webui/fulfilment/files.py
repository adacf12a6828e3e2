"""A carrier's file as rows of text. It is read by a process of its own (``webui/transfers/reader.py``)."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
import tempfile
import zlib
from pathlib import Path

from flask_babel import gettext as _
from werkzeug.datastructures import FileStorage

from webui.common.text import one_line

READER = Path(__file__).parent.parent / "transfers" / "reader.py"
MOST_ROWS = 5_000
MOST_BYTES = 10 * 1024 * 1024
MEGABYTES = 1024
SECONDS = 20
LONGEST = 255


class Unreadable(Exception):
    """The message tells the person what to do."""


def rows(file: FileStorage | None) -> list[list[str]]:
    """The file's rows with their heading, if it has one. Raises ``Unreadable``."""
    if file is None or not file.filename:
        raise Unreadable(_("Choose a file first."))
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "in", Path(folder) / "out"
        raw = file.stream.read(MOST_BYTES + 1)
        if len(raw) > MOST_BYTES:
            raise Unreadable(_("This file is too large. Split it, %(rows)s rows at most.", rows=MOST_ROWS))
        source.write_bytes(raw)
        command = [sys.executable, str(READER), str(source), str(target)]
        command += [str(number) for number in (MOST_ROWS, MEGABYTES, SECONDS)]
        try:
            told = subprocess.run(command, capture_output=True, timeout=SECONDS + 5, check=True).stdout
        except (subprocess.SubprocessError, OSError):
            raise Unreadable(_("This file cannot be read. Save it as .xlsx or .csv and try again.")) from None
        error = json.loads(told).get("error")
        if error == "rows":
            raise Unreadable(_("This file is too large. Split it, %(rows)s rows at most.", rows=MOST_ROWS))
        if error:
            raise Unreadable(_("This file cannot be read. Save it as .xlsx or .csv and try again."))
        with target.open(encoding="utf-8") as lines:
            return [[cell(value) for value in json.loads(line)] for line in lines]


def cell(value: object) -> str:
    """A number as it is read aloud: Excel keeps waybills as floats."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(one_line(str(value), LONGEST))


def packed(found: list[list[str]]) -> str:
    """Rows as one field of the preview's form."""
    return base64.b64encode(zlib.compress(json.dumps(found, ensure_ascii=False).encode())).decode()


def unpacked(text: str) -> list[list[str]]:
    """Rows that come back from the preview. Raises ``Unreadable``."""
    try:
        raw = zlib.decompressobj().decompress(base64.b64decode(text, validate=True), MOST_BYTES)
        found = json.loads(raw)
    except (ValueError, zlib.error):
        found = None
    if not isinstance(found, list) or not found or len(found) > MOST_ROWS + 1:
        raise Unreadable(_("Choose a file first."))
    return [[cell(value) for value in row[:8]] for row in found if isinstance(row, list)]
