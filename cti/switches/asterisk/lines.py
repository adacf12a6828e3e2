"""Lines of DAHDI boards out of what Asterisk tells of its channels: what each is for, and whether it is out of order.

A channel's description is ours (``dialplan.dahdi``): ``g<group> <trunk>`` an outside line (``r``: in turn),
``p <device>`` a telephone, ``b …`` blocked. No sockets; must not know what else a device or trunk may be.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from cti.domain.errors import CommandRefused
from cti.domain.switch.commands import DeviceTarget, TrunkTarget
from cti.switches.asterisk.wire import Action, Frame, text
from cti.switches.trunks import Trunks

SHOW: Action = {"Action": "DAHDIShowChannels"}
LINES_MODULE = "chan_dahdi.so"
NO_ALARM = "No Alarm"
MOST_SPANS = 128
_DESCRIPTION = re.compile(r"(?:(?P<group>[gr][0-9]{1,2})|(?P<what>[pb]))(?: (?P<name>[A-Za-z0-9_.+-]{1,24}))?")


@dataclass(slots=True)
class AstLine:
    """``alarm`` in Asterisk's words, empty if there is none. ``channel``: the Uniqueid of the call on it."""

    number: int
    telephone: bool
    name: str  # of the trunk or the device
    group: str = ""
    blocked: bool = False
    alarm: str = ""
    channel: str = ""
    signalling: str = ""

    @property
    def usable(self) -> bool:
        return not (self.alarm or self.blocked)


@dataclass(slots=True)
class AstLines:
    """``lines`` by DAHDI's channel number; ``spans``: the alarm of each span that has one, by its number."""

    lines: dict[int, AstLine] = field(default_factory=dict)
    spans: dict[int, str] = field(default_factory=dict)

    def alarm(self, number: str, alarm: str) -> bool:
        """Take note of it; whether anything is new."""
        line = self.lines.get(int(number)) if number.isascii() and number.isdigit() else None
        if line is None or line.alarm == alarm:
            return False
        line.alarm = alarm
        return True

    def span_alarm(self, span: str, alarm: str) -> None:
        """Of the whole span; each of its channels is told besides."""
        if not (span.isascii() and span.isdigit() and 0 < int(span) <= MOST_SPANS):
            return
        if alarm and alarm != NO_ALARM:
            self.spans[int(span)] = alarm[:40]
        else:
            self.spans.pop(int(span), None)

    def devices(self) -> dict[str, bool]:
        """Whether the telephone of each device can be rung."""
        return {line.name: line.usable for line in self.lines.values() if line.telephone and line.name}

    def trunks(self) -> dict[str, bool]:
        """A trunk is there while one of its lines can be used."""
        found: dict[str, bool] = {}
        for line in self.lines.values():
            if not line.telephone and line.name:
                found[line.name] = found.get(line.name, False) or line.usable
        return found

    def tell(self, trunks: Trunks) -> None:
        """Which trunks on lines are there."""
        for trunk, there in self.trunks().items():
            trunks.answers(trunk, there)

    def dial(self, target: DeviceTarget | TrunkTarget) -> str:
        """What to dial where the target is on a board; empty where it is not.

        Raises ``CommandRefused`` where all of its lines are blocked or out of order.
        """
        if isinstance(target, DeviceTarget):
            own = [line for line in self.lines.values() if line.telephone and line.name == target.device]
            where = f"DAHDI/{own[0].number}" if own and not target.switch else ""
        else:
            own = [line for line in self.lines.values() if not line.telephone and line.name == target.trunk]
            group = next((line.group for line in own if line.group), "")
            where = f"DAHDI/{group}/{target.number}" if own else ""
        if where and not any(line.usable for line in own):
            name = own[0].name
            raise CommandRefused(f"{name}: every line of it is blocked or out of order", line=own[0].number)
        return where


def lines(frames: Iterable[Frame]) -> AstLines:
    """Out of what ``DAHDIShowChannels`` lists; what is not described by us is left out."""
    found = AstLines()
    for frame in frames:
        number, described = text(frame, "DAHDIChannel"), _DESCRIPTION.fullmatch(text(frame, "Description").strip())
        if described is None or not (number.isascii() and number.isdigit()):
            continue
        signalling, alarm = text(frame, "Signalling"), text(frame, "Alarm")
        found.lines[int(number)] = AstLine(
            number=int(number),
            telephone=signalling.startswith("FXO"),
            name=described["name"] or "",
            group=described["group"] or "",
            blocked=described["what"] == "b",
            alarm="" if alarm == NO_ALARM else alarm,
            channel=text(frame, "Uniqueid"),
            signalling=signalling,
        )
    return found
