"""Commands, events and snapshots as documents on the bus, both ways. Shared by the driver and ``cards.host``.

Every document is checked when it is read: a text that is no command or event raises ``BadDocument``. It must not know
the bus, nor what a board does.
"""

from __future__ import annotations

from dataclasses import MISSING, fields, is_dataclass
from enum import StrEnum
from functools import cache
from typing import Any, get_args, get_type_hints

from cti.domain.errors import CallyardError, ChannelGone, CommandRefused, DeadlineExceeded, LinkDown, SwitchError
from cti.domain.switch.commands import Command, DeviceTarget, SpyMode, Target, TrunkTarget
from cti.domain.switch.events import PlayEnd, SwitchEvent
from cti.domain.switch.snapshot import ChannelSnapshot, Snapshot
from cti.domain.switch.terms import Cause, TrunkState

Document = dict[str, Any]
BEAT = 0.5  # seconds between two signs of life of the host


class BadDocument(CallyardError):
    """What came over the bus is no command, event or snapshot."""

    code = "board.document"


def command_subject(board: str) -> str:
    return f"cy.cmd.board.{board}"


def event_subject(board: str) -> str:
    """Also of the beats: ``{"boot", "seq"}``, and with an event ``"event"``."""
    return f"cy.evt.board.{board}"


_COMMANDS = {kind.__name__: kind for kind in get_args(Command)}
_EVENTS = {kind.__name__: kind for kind in get_args(SwitchEvent)}
_TARGETS = {"device": DeviceTarget, "trunk": TrunkTarget}
_ENUMS: dict[type, type[StrEnum]] = {kind: kind for kind in (Cause, PlayEnd, SpyMode, TrunkState)}
_ERRORS = {kind.code: kind for kind in (LinkDown, DeadlineExceeded, ChannelGone, CommandRefused)}


def command_document(command: Command) -> Document:
    return {"kind": type(command).__name__, **_plain(command)}


def command_of(document: object) -> Command:
    """Raises ``BadDocument``."""
    command: Command = _read(document, _COMMANDS)
    return command


def event_document(event: SwitchEvent) -> Document:
    return {"kind": type(event).__name__, **_plain(event)}


def event_of(document: object) -> SwitchEvent:
    """Raises ``BadDocument``."""
    event: SwitchEvent = _read(document, _EVENTS)
    return event


def snapshot_document(snapshot: Snapshot) -> Document:
    return {
        "at": snapshot.at,
        "channels": [_plain(channel) for channel in snapshot.channels],
        "devices": dict(snapshot.devices),
        "trunks": {name: state.value for name, state in snapshot.trunks.items()},
        "up_for": snapshot.up_for,
    }


def snapshot_of(document: object) -> Snapshot:
    """Raises ``BadDocument``."""
    try:
        given: Any = document
        return Snapshot(
            at=float(given["at"]),
            channels=tuple(_build(ChannelSnapshot, channel) for channel in given["channels"]),
            devices={str(name): bool(there) for name, there in given["devices"].items()},
            trunks={str(name): TrunkState(state) for name, state in given["trunks"].items()},
            up_for=None if given.get("up_for") is None else float(given["up_for"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise BadDocument(f"no snapshot: {error}") from error


def error_of(reply: Document) -> SwitchError:
    """The error that a reply tells of."""
    kind = _ERRORS.get(str(reply.get("error")), SwitchError)
    return kind(str(reply.get("message", ""))[:500])


def _plain(value: Any) -> Document:
    return {field.name: _value(getattr(value, field.name)) for field in fields(value)}


def _value(value: Any) -> Any:
    if isinstance(value, DeviceTarget | TrunkTarget):
        return {"to": "device" if isinstance(value, DeviceTarget) else "trunk", **_plain(value)}
    if isinstance(value, StrEnum):
        return value.value
    return list(value) if isinstance(value, tuple) else value


def _read(document: object, kinds: dict[str, type]) -> Any:
    if not isinstance(document, dict):
        raise BadDocument("not an object")
    kind = kinds.get(str(document.get("kind")))
    if kind is None:
        raise BadDocument(f"unknown kind {str(document.get('kind'))[:40]!r}")
    return _build(kind, {name: value for name, value in document.items() if name != "kind"})


@cache
def _shape(kind: type) -> dict[str, tuple[Any, bool]]:
    """By field: its type, and whether it must be there."""
    hints = get_type_hints(kind)
    return {
        field.name: (hints[field.name], field.default is MISSING and field.default_factory is MISSING)
        for field in fields(kind)
    }


def _build(kind: type, given: object) -> Any:
    assert is_dataclass(kind)
    shape = _shape(kind)
    if not isinstance(given, dict) or set(given) - set(shape):
        raise BadDocument(f"{kind.__name__} has fields that it cannot have")
    if missing := [name for name, (_, needed) in shape.items() if needed and name not in given]:
        raise BadDocument(f"{kind.__name__} lacks {missing[0]}")
    return kind(**{name: _typed(shape[name][0], value, f"{kind.__name__}.{name}") for name, value in given.items()})


def _typed(wanted: Any, value: Any, where: str) -> Any:
    if wanted in _ENUMS:
        try:
            return _ENUMS[wanted](value)
        except ValueError:
            raise BadDocument(f"{where} cannot be {str(value)[:40]!r}") from None
    if wanted == Target:
        target = _TARGETS.get(str(value.get("to"))) if isinstance(value, dict) else None
        if target is None:
            raise BadDocument(f"{where} is no target")
        return _build(target, {name: part for name, part in value.items() if name != "to"})
    if wanted == tuple[str, ...]:
        if not isinstance(value, list) or not all(isinstance(part, str) for part in value):
            raise BadDocument(f"{where} is no list of texts")
        return tuple(value)
    if wanted is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, wanted) or (wanted is int and isinstance(value, bool)):
        raise BadDocument(f"{where} is no {wanted.__name__}")
    return value
