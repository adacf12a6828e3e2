"""Rings and caller-id of a line that is on hook, asked for in each round; also of lines that are only heard."""

from __future__ import annotations

import re
from dataclasses import dataclass

from cards.host.board import BoardEvent, NumberRead, Rang
from cards.host.library import Library, text

NUMBER_READ, NUMBER_FAILED = 3, 4
SAME_CALL = 400  # rounds without a ring after which the next one is another call
_DATE_AND_NUMBER = re.compile(r"(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?:[01]\d|2[0-3])[0-5]\d(.*)")


@dataclass(slots=True)
class Rung:
    rings: bool = False
    quiet: int = SAME_CALL
    number_told: bool = False


def look(lib: Library, ch: int, rung: Rung, found: list[BoardEvent]) -> None:
    rings = bool(lib.RingDetect(ch))
    if rings and not rung.rings:
        found.append(Rang(ch))
    rung.quiet = 0 if rings else rung.quiet + 1
    rung.rings = rings
    if rung.quiet == SAME_CALL:
        rung.number_told = False
        lib.ResetCallerIDBuffer(ch)
    if rung.number_told:
        return
    buffer = lib.ffi.new("char[128]")
    result = int(lib.GetCallerIDStr(ch, buffer))
    if result in (NUMBER_READ, NUMBER_FAILED):
        rung.number_told, rung.quiet = True, 0
        said = text(bytes(lib.ffi.string(buffer, 127))) if result == NUMBER_READ else ""
        found.append(NumberRead(ch, number_of(said)))


def number_of(said: str) -> str:
    """Behind ``MMDDHHMM``; what does not begin with a date is taken as the number alone."""
    match = _DATE_AND_NUMBER.fullmatch(said)
    return match.group(1) if match and match.group(1) else said
