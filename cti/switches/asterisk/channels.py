"""What the driver remembers of each live channel, and of the devices. Data only: no I/O, no decisions on calls."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from cti.domain.switch.commands import Spy
from cti.domain.switch.events import PlayEnd
from cti.domain.switch.terms import Cause
from cti.switches.asterisk.contacts import stays

TRUNK_PREFIX, SWITCH_PREFIX = "trunk-", "switch-"
TEST_TRUNK = "test"
TEST_ID = "cytest-"
_SUFFIX = re.compile(r"-[0-9a-f]{8}(;\d)?$")


@dataclass(slots=True, eq=False)
class Playback:
    """A ``Play`` on its way. ``left`` are the files still to be played; ``over`` when it has been reported."""

    play_id: str
    left: list[str]
    barge_in: bool
    reason: PlayEnd = PlayEnd.COMPLETED
    over: bool = False


@dataclass(slots=True)
class Pending:
    """An AGI command that the channel has not finished."""

    playback: Playback | None = None
    bridge_to: str = ""  # the channel it is to be joined with
    met: bool = False  # they were in one bridge
    away: bool = False  # it listens to another channel, or is in a conference
    done: Callable[[], None] | None = None


@dataclass(slots=True)
class Recording:
    recording_id: str
    monitor: str
    name: str
    silence: float = 0.0  # seconds of it that end the recording


@dataclass(slots=True, eq=False)
class AstChannel:
    """One live channel of ours. ``id`` is Asterisk's Uniqueid; ``name`` is empty until it is known."""

    id: str
    name: str = ""
    incoming: bool = False
    caller_number: str = ""
    caller_name: str = ""
    dialed: str = ""
    device: str = ""
    trunk: str = ""
    via: str = ""  # the switch that relays it to its phone
    ringing: bool = False
    answered: bool = False
    controlled: bool = False
    music: bool = False
    bridge: str = ""
    bridge_to: str = ""
    parting: bool = False
    spying: str = ""  # the channel it listens to
    spy_next: Spy | None = None  # what it is to do when it is parked
    conference: str = ""  # that it is in, or told to join
    back_while_parting: bool = False
    ending: bool = False
    by_far_side: bool = False
    hangup_asked: Cause | None = None
    talked: bool = False  # since a recording that silence ends has begun
    monitored_until: float = -1.0  # loop time at which the last recording was stopped
    playback: Playback | None = None
    pending: dict[str, Pending] = field(default_factory=dict)
    recordings: dict[str, Recording] = field(default_factory=dict)

    @property
    def address(self) -> str:
        """What to call it in an action: Asterisk finds a channel by name or Uniqueid."""
        return self.name or self.id

    @property
    def busy_playing(self) -> bool:
        """A prompt is being played, or about to be."""
        return any(p.playback is not None for p in self.pending.values())


def endpoint(name: str) -> str:
    """The PJSIP endpoint in a channel's name (``PJSIP/1001-web-0000001f`` → ``1001-web``); empty for other kinds."""
    kind, _, rest = name.partition("/")
    return _SUFFIX.sub("", rest) if kind == "PJSIP" else ""


def other_switch(name: str) -> str:
    """The switch of ours that a channel leads to, from its name; empty for every other channel."""
    where = endpoint(name)
    return where.removeprefix(SWITCH_PREFIX) if where.startswith(SWITCH_PREFIX) else ""


def is_phone(endpoint_name: str) -> bool:
    """An endpoint that is neither a trunk nor another switch."""
    return bool(endpoint_name) and not endpoint_name.startswith((TRUNK_PREFIX, SWITCH_PREFIX))


def on_line(name: str) -> bool:
    """A channel of a DAHDI board."""
    return name.startswith("DAHDI/")


def origin(name: str, account: str = "") -> tuple[str, str]:
    """Device and trunk of a channel, from its name; one of them is empty. A Local channel is a test call.

    On a DAHDI board the channel's ``account`` says what an endpoint's name does.
    """
    where = account if on_line(name) else endpoint(name)
    if where.startswith(TRUNK_PREFIX):
        return "", where.removeprefix(TRUNK_PREFIX)
    if where:
        return where, ""
    return "", TEST_TRUNK if name.startswith("Local/") else "unknown"


def pack_recordings(recordings: Iterable[Recording]) -> str:
    """As one channel variable, so that a restarted driver can stop what another has started. Whole items, 500 chars."""
    packed = ""
    for r in recordings:
        item = f"{r.recording_id}!{r.monitor}!{r.name}!{r.silence:g}"
        if len(packed) + len(item) < 500:
            packed = f"{packed}&{item}" if packed else item
    return packed


def unpack_recordings(packed: str) -> dict[str, Recording]:
    """Raises nothing: what does not have the shape is left out."""
    parts = (item.split("!") for item in packed.split("&") if item.count("!") == 3)
    return {p[0]: Recording(p[0], p[1], p[2], _seconds(p[3])) for p in parts}


def _seconds(text: str) -> float:
    return float(text) if text.replace(".", "", 1).isdecimal() else 0.0


class Devices:
    """Which devices have a contact that can be reached. One device may have several contacts for a moment.

    A contact that could lead a call elsewhere is none.
    """

    MAX_CONTACTS = 20

    def __init__(self) -> None:
        self._contacts: dict[str, set[str]] = {}

    def known(self, device: str) -> None:
        self._contacts.setdefault(device, set())

    def contact(self, device: str, uri: str, status: str) -> bool | None:
        """Take note of a contact's status; return the new registration if it changed."""
        contacts = self._contacts.setdefault(device, set())
        before = bool(contacts)
        if status in ("Removed", "Unreachable"):
            contacts.discard(uri)
        elif stays(uri) and len(contacts) < self.MAX_CONTACTS:
            contacts.add(uri)
        return bool(contacts) if bool(contacts) != before else None

    def address(self, device: str) -> str:
        """Its only contact; empty where there is none, or one more for a moment."""
        contacts = self._contacts.get(device, set())
        return next(iter(contacts)) if len(contacts) == 1 else ""

    def registered(self) -> dict[str, bool]:
        return {device: bool(contacts) for device, contacts in self._contacts.items()}
