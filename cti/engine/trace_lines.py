"""Lines of the operation log out of commands and events: plain, short, without secrets. docs/bus.md has their form.

Left out is what nobody reads (our state on a channel) and what must not be kept: keys that are pressed in a
conversation, or sent into one, may be those of a card.
"""

from __future__ import annotations

from dataclasses import fields
from typing import Any, get_args

from cti.domain.calls import Call, CallPhase
from cti.domain.switch.commands import Command, DeviceTarget, Originate, SendDigits, SetState, Target, TrunkTarget
from cti.domain.switch.events import Digit, SwitchEvent

Line = dict[str, Any]
TEXT, PARTS = 128, 20  # characters of one text, parts of one list
HIDDEN = "*"

_LEFT_OUT = {"at", "channel", "state"}
_TARGETS = get_args(Target)
_NAMES = {kind: tuple(f.name for f in fields(kind)) for kind in (DeviceTarget, TrunkTarget)}
_NAMES |= {
    kind: tuple(
        f.name for f in fields(kind) if f.name not in _LEFT_OUT or (f.name == "state" and kind is not Originate)
    )
    for kind in (*get_args(Command), *get_args(SwitchEvent))
    if kind is not SetState
} | {SetState: ()}


def details(what: Any) -> Line:
    """The fields of a command or event that say something, by name."""
    found: Line = {}
    for name in _NAMES[type(what)]:
        value = getattr(what, name)
        if not value:
            continue
        if isinstance(value, str):
            value = value[:TEXT]
        elif isinstance(value, tuple):
            value = [part[:TEXT] for part in value[:PARTS]]
        elif isinstance(value, _TARGETS):
            value = details(value)
        found[name] = value
    return found


def of_event(event: SwitchEvent, call: Call | None) -> Line:
    found = details(event)
    if isinstance(event, Digit) and call is not None and call.phase is CallPhase.CONNECTED:
        found["digit"] = HIDDEN
    return found


def of_command(command: Command) -> Line:
    found = details(command)
    if isinstance(command, SendDigits):
        found["digits"] = HIDDEN * len(command.digits)
    return found


def of_request(request: dict[str, Any]) -> Line:
    """What was asked besides who asks. Everything in it is hostile."""
    found: Line = {}
    for name in ("number", "reason", "device", "seconds", "supervisor", "agent_id"):
        value = request.get(name)
        if value and isinstance(value, str | int | float):
            found[name] = value[:TEXT] if isinstance(value, str) else value
    return found
