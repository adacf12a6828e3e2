"""Which lines can be used now, and so which telephones and trunks are there. Pure functions of lines and plan."""

from __future__ import annotations

from collections.abc import Mapping

from cards.host.board import OUTSIDE, LineKind
from cards.host.channel import Line
from cards.host.plan import Plan
from cti.domain.switch.terms import TrunkState


def usable(line: Line, plan: Plan) -> bool:
    return not (line.dead or plan.of(line.number).blocked)


def takes_calls(line: Line, plan: Plan) -> bool:
    """The line is planned and not blocked; any other is left to ring, and is not listened to."""
    own = plan.of(line.number)
    if line.kind is LineKind.RECORDER:
        return bool(own.dialed or own.device) and not own.blocked
    told = line.kind is LineKind.PRI and own.trunk  # its callers' number comes with the call
    return bool(own.dialed or told) and not own.blocked


def devices(lines: Mapping[int, Line], plan: Plan) -> dict[str, bool]:
    """Whether the telephone of each device could be rung now."""
    found: dict[str, bool] = {}
    for own in plan.lines.values():
        line = lines.get(own.line)
        if own.device and (line is None or line.kind is not LineKind.RECORDER):
            there = line is not None and line.kind is LineKind.EXTENSION and usable(line, plan)
            found[own.device] = there or found.get(own.device, False)
    return found


def trunk_lines(lines: Mapping[int, Line], plan: Plan, trunk: str = "") -> list[Line]:
    """Outside lines, of this trunk where one is named."""
    outside = (line for line in lines.values() if line.kind in OUTSIDE)
    return [line for line in outside if trunk in ("", plan.of(line.number).trunk)]


def trunks(lines: Mapping[int, Line], plan: Plan) -> dict[str, TrunkState]:
    """A trunk is up while one of its lines can be used."""
    found = dict.fromkeys(sorted(plan.trunks()), TrunkState.DOWN)
    for line in trunk_lines(lines, plan):
        if usable(line, plan) and plan.of(line.number).trunk:
            found[plan.of(line.number).trunk] = TrunkState.UP
    return found
