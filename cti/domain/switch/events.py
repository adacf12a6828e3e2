"""What a switch reports, as data. Texts in it come from outside: treat every one as hostile."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from cti.domain.switch.terms import Cause, TrunkState


@dataclass(frozen=True, slots=True)
class ChannelOffered:
    """A call came in and waits, controlled and unanswered, for our decision.

    ``device`` is set when one of our own phones dialled (``1001``); then ``trunk`` is empty, and the other way round.
    """

    at: float
    channel: str
    caller_number: str
    caller_name: str
    dialed: str
    device: str = ""
    trunk: str = ""


@dataclass(frozen=True, slots=True)
class ChannelWatched:
    """A call passes by on a line that is only heard; told again, whole, when more of it is known.

    ``incoming``: the line's telephone is called, by ``caller_number``; else it calls ``dialed``. ``device`` is whose
    telephone it is, where that is known. ``ChannelAnswered`` follows when it is lifted, or the number is whole, and
    ``ChannelHungUp`` at the end.
    """

    at: float
    channel: str
    incoming: bool
    caller_number: str
    caller_name: str
    dialed: str
    device: str = ""


@dataclass(frozen=True, slots=True)
class ChannelRinging:
    """The far side of an originated channel rings (180/183)."""

    at: float
    channel: str


@dataclass(frozen=True, slots=True)
class ChannelAnswered:
    """The channel is answered and controlled."""

    at: float
    channel: str


@dataclass(frozen=True, slots=True)
class ChannelBridged:
    at: float
    channel: str
    peer: str


@dataclass(frozen=True, slots=True)
class ChannelUnbridged:
    """The bridge ended, or it left its conference, and this channel is alive and controlled."""

    at: float
    channel: str


@dataclass(frozen=True, slots=True)
class ChannelConferenced:
    """It is in the conference, not controlled."""

    at: float
    channel: str
    conference: str


@dataclass(frozen=True, slots=True)
class ChannelHeld:
    """Hold or retrieve pressed on the phone itself; the peer hears the switch's music meanwhile.

    The switch that relays a channel of another one may report it too, by that channel's id.
    """

    at: float
    channel: str
    held: bool


@dataclass(frozen=True, slots=True)
class Digit:
    at: float
    channel: str
    digit: str


class PlayEnd(StrEnum):
    COMPLETED = "completed"
    DIGIT = "digit"
    STOPPED = "stopped"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class PlayFinished:
    at: float
    channel: str
    play_id: str
    reason: PlayEnd


@dataclass(frozen=True, slots=True)
class RecordingStarted:
    at: float
    channel: str
    recording_id: str


@dataclass(frozen=True, slots=True)
class RecordingStopped:
    """The file is complete. ``file`` is relative to the recordings spool, with ending."""

    at: float
    channel: str
    recording_id: str
    file: str


@dataclass(frozen=True, slots=True)
class ChannelLeaving:
    """The far side of an answered channel has hung up, and the switch is about to: ``ChannelHungUp`` follows.

    Not every switch tells, and none each time.
    """

    at: float
    channel: str


@dataclass(frozen=True, slots=True)
class ChannelHungUp:
    """The channel is gone; the last event with this channel id, sent exactly once."""

    at: float
    channel: str
    cause: Cause
    by_far_side: bool
    sip: int = 0  # the far side's SIP status (486), where the switch tells it


@dataclass(frozen=True, slots=True)
class TrunkChanged:
    """``round_trip`` in seconds, of the last OPTIONS; 0 when not measured."""

    at: float
    trunk: str
    state: TrunkState
    round_trip: float = 0.0


@dataclass(frozen=True, slots=True)
class DeviceRegistered:
    at: float
    device: str
    registered: bool


@dataclass(frozen=True, slots=True)
class LinkUp:
    """Connected and logged in. The receiver takes a ``snapshot`` before it trusts anything it knew."""

    at: float


@dataclass(frozen=True, slots=True)
class LinkLost:
    """The connection is lost; the calls on the switch go on. The driver reconnects by itself."""

    at: float
    reason: str


SwitchEvent = (
    ChannelOffered
    | ChannelWatched
    | ChannelRinging
    | ChannelAnswered
    | ChannelBridged
    | ChannelUnbridged
    | ChannelConferenced
    | ChannelHeld
    | Digit
    | PlayFinished
    | RecordingStarted
    | RecordingStopped
    | ChannelLeaving
    | ChannelHungUp
    | DeviceRegistered
    | TrunkChanged
    | LinkUp
    | LinkLost
)
