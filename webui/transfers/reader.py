"""Reads an uploaded file into lines of JSON, in a process of its own with bounded memory and time.

Run as a script, never imported by the site: whatever a file does to a reader, it does to this process. Says on its
output ``{"rows": n}`` or ``{"error": code}``. Cells become text, numbers, truth values; dates ISO text.
"""

from __future__ import annotations

import csv
import io
import json
import resource
import sys
import zipfile
from collections.abc import Iterable, Iterator
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

COLUMNS = 200
LONGEST_CELL = 32_000
UNPACKED = 400 * 1024 * 1024
PARTS = 2_000
PACKING = 250
"""A sheet of the same cell all over packs about a hundredfold; more is no sheet."""
SMALL = 20 * 1024 * 1024


class Refused(Exception):
    """``code``: empty, broken, bomb, encrypted, rows, columns, memory."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def check_archive(path: Path) -> None:
    """Refuse archives that unpack to more than a sheet of the allowed size can be."""
    try:
        with zipfile.ZipFile(path) as archive:
            parts = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise Refused("broken") from error
    unpacked = sum(part.file_size for part in parts)
    packed = sum(part.compress_size for part in parts) or 1
    if len(parts) > PARTS or unpacked > UNPACKED or (unpacked > SMALL and unpacked > PACKING * packed):
        raise Refused("bomb")
    if not any(part.filename.startswith("xl/") for part in parts):
        raise Refused("broken")


def sheet_rows(path: Path) -> Iterator[list[Any]]:
    from python_calamine import CalamineError, CalamineWorkbook, PasswordError

    try:
        book = CalamineWorkbook.from_path(str(path))
        if not book.sheet_names:
            raise Refused("empty")
        yield from book.get_sheet_by_index(0).iter_rows()
    except PasswordError as error:
        raise Refused("encrypted") from error
    except (CalamineError, OSError, ValueError) as error:
        raise Refused("broken") from error


def text_rows(path: Path) -> Iterator[list[Any]]:
    text = decoded(path.read_bytes()).replace("\0", "")
    first = text.partition("\n")[0]
    delimiter = max(",;\t", key=first.count)
    csv.field_size_limit(LONGEST_CELL * 4)
    try:
        yield from csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    except csv.Error as error:
        raise Refused("broken") from error


def decoded(raw: bytes) -> str:
    """What Excel writes here: UTF-8, UTF-16 with a mark, or GB 18030."""
    codings = ["utf-16"] if raw.startswith((b"\xff\xfe", b"\xfe\xff")) else ["utf-8-sig", "gb18030"]
    for coding in codings:
        try:
            return raw.decode(coding)
        except UnicodeDecodeError:
            continue
    raise Refused("broken")


def plain(cell: Any) -> Any:
    if isinstance(cell, datetime):
        return cell.isoformat(sep=" ") if cell.time() != time() else cell.date().isoformat()
    if isinstance(cell, date | time):
        return cell.isoformat()
    if isinstance(cell, timedelta):
        return cell.total_seconds()
    if isinstance(cell, str):
        return cell[:LONGEST_CELL]
    return cell if isinstance(cell, bool | int | float) else ""


def rows_of(path: Path) -> Iterator[list[Any]]:
    with path.open("rb") as file:
        head = file.read(8)
    if not head:
        raise Refused("empty")
    if head.startswith(b"PK"):
        check_archive(path)
        return sheet_rows(path)
    return sheet_rows(path) if head.startswith(b"\xd0\xcf\x11\xe0") else text_rows(path)


def trimmed(cells: Iterable[Any]) -> list[Any]:
    """Without the empty cells at the end."""
    found = [plain(cell) for cell in cells]
    while found and found[-1] in ("", None):
        found.pop()
    return found


def convert(source: Path, target: Path, most: int) -> int:
    """The rows below the headings; the headings are the first line of ``target``."""
    count = -1
    with target.open("w", encoding="utf-8") as out:
        for cells in rows_of(source):
            row = trimmed(cells)
            if len(row) > COLUMNS:
                raise Refused("columns")
            if not row and count < 0:
                continue
            if row:
                count += 1
                if count > most:
                    raise Refused("rows")
                out.write(json.dumps(row, ensure_ascii=True, allow_nan=False) + "\n")
    if count < 1:
        raise Refused("empty")
    return count


def limit(megabytes: int, seconds: int) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (megabytes * 1024 * 1024,) * 2)
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))


def main(arguments: list[str]) -> dict[str, Any]:
    source, target, most, megabytes, seconds = arguments
    limit(int(megabytes), int(seconds))
    try:
        return {"rows": convert(Path(source), Path(target), int(most))}
    except Refused as refused:
        return {"error": refused.code}
    except MemoryError:
        return {"error": "memory"}
    except ValueError:
        return {"error": "broken"}


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1:])))
