"""What the page of boards is told of DAHDI lines, in the words of a board's host (``cards.host.service``).

Answers on the bus beside the engine, as a host does: nobody else needs to know that these lines are Asterisk's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cti.domain.errors import BadRequest, CommandRefused
from cti.switches.asterisk.channels import AstChannel
from cti.switches.asterisk.lines import AstLine
from cti.switches.asterisk.wire import Action

if TYPE_CHECKING:
    from cti.switches.asterisk.driver import AsteriskSwitch

Document = dict[str, Any]
DEADLINE = 1.0
RING_FOR = 30.0
TEST = {"Context": "callyard-dahdi-test", "Exten": "s", "Priority": "1"}


async def answer(switch: AsteriskSwitch, request: Document) -> Document:
    """Raises ``BadRequest``, ``CommandRefused``, or what the switch raises."""
    found = await switch.show_lines(DEADLINE)
    match request.get("op"):
        case "lines":
            shown = [_shown(line, switch.channels.get(line.channel)) for line in found.lines.values()]
            alarms = [{"span": span, "alarm": alarm} for span, alarm in sorted(found.spans.items())]
            about = {"vendor": "DAHDI", "simulated": False, "listens": False, "alarms": alarms}
            return {"ok": True, **about, "lines": shown}
        case "test":
            line = found.lines.get(request["line"]) if isinstance(request.get("line"), int) else None
            if line is None or not line.telephone or line.channel or not line.usable:
                raise CommandRefused("this line is no free telephone")
            await switch.ask(_ring(line), DEADLINE)
            return {"ok": True}
    raise BadRequest(f"lines of a DAHDI board know no {str(request.get('op'))[:40]!r}")


def _ring(line: AstLine) -> Action:
    where = {"Channel": f"DAHDI/{line.number}", "Timeout": str(int(RING_FOR * 1000)), "Async": "true"}
    return {"Action": "Originate", **where, **TEST}


def _shown(line: AstLine, chan: AstChannel | None) -> Document:
    return {
        "line": line.number,
        "kind": "extension" if line.telephone else "trunk",
        "state": _state(line, chan),
        "dead": bool(line.alarm),
        "alarm": line.alarm,
        "blocked": line.blocked,
        "dialed": "",
        "trunk": "" if line.telephone else line.name,
        "device": line.name if line.telephone else "",
        "level": None,
        "channel": line.channel,
        "number": "" if chan is None else (chan.caller_number if chan.incoming else chan.dialed),
        "recording": bool(chan is not None and chan.recordings),
        "testing": False,
    }


def _state(line: AstLine, chan: AstChannel | None) -> str:
    """A word of the page of boards."""
    if chan is None:
        return "dialling" if line.channel else "idle"
    if not chan.answered:
        return "waiting" if chan.incoming else ("ringing" if chan.ringing else "proceeding")
    if chan.bridge or chan.conference:
        return "connected"
    return "playing" if chan.busy_playing or chan.music else "answered"
