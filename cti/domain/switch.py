"""The vocabulary between services and any switch: commands, events and snapshots, as data.

Commands are effects that a service decides and a driver carries out; events are what a switch reports. Neither knows
AMI, ESL or a board. Times are epoch seconds. Numbers and names come from outside: treat every text as hostile.

Control. A channel is *controlled* when it waits for our next command (Asterisk: in async AGI; FreeSWITCH: parked;
simulator: idle). A caller's channel is controlled from the first ring; an originated channel from its answer. When a
bridge ends for any reason, each channel that is still alive becomes controlled again and reports ``ChannelUnbridged``:
nobody is hung up because the other side went away. That is the service's decision.

A *watched* channel is a call that passes by on a line which the switch only hears (``WATCH``): others make and end it.
It is never controlled; ``RecordStart``, ``RecordStop``, ``RecordPause`` and ``SetState`` are carried out on it, every
other command is refused.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class Cause(StrEnum):
    """Why a channel ended; from ITU-T Q.850, reduced to what call control decides upon."""

    NORMAL = "normal"  # 16, 31
    BUSY = "busy"  # 17
    NO_ANSWER = "no_answer"  # 18, 19
    REJECTED = "rejected"  # 21
    UNALLOCATED = "unallocated"  # 1, 28
    CONGESTION = "congestion"  # 34, 38, 41, 42
    CANCELLED = "cancelled"  # we or the caller gave up before the answer
    MEDIA_LOST = "media_lost"  # RTP timeout, lost browser
    UNREACHABLE = "unreachable"  # device not registered, 20, 3
    FAILED = "failed"  # anything else


class Capability(StrEnum):
    ORIGINATE = "originate"
    MEDIA = "media"  # play, music, digits carry real audio
    HOLD_EVENTS = "hold_events"  # hold pressed on the phone itself is reported
    REMOTE_ANSWER = "remote_answer"  # we can make a device pick up
    AUTO_ANSWER = "auto_answer"  # a phone can be asked to pick up by itself
    DECLINE = "decline"  # a ringing phone can refuse, and says why
    CALLER_NAME = "caller_name"  # who calls in may give a name besides the number
    RECORD = "record"
    RECORD_PAUSE = "record_pause"
    SILENCE_END = "silence_end"  # a recording ends by itself when nothing is said
    SPY = "spy"
    CONFERENCE = "conference"
    REGISTRATION = "registration"
    TEST_CALL = "test_call"
    WATCH = "watch"  # calls on lines that are only listened to are reported


# ---------------------------------------------------------------- where a channel may be sent


@dataclass(frozen=True, slots=True)
class DeviceTarget:
    """A registered phone of ours, by its device name (``1001``, ``1001-web``).

    ``switch`` names another switch of ours, where the phone is registered: it is rung through the SIP trunk between
    the two. Empty: on the switch the command goes to.
    """

    device: str
    switch: str = ""


@dataclass(frozen=True, slots=True)
class TrunkTarget:
    """An outside number through a trunk. ``hidden``: the caller's number is for the carrier, not for who is called."""

    trunk: str
    number: str
    hidden: bool = False


Target = DeviceTarget | TrunkTarget


# ---------------------------------------------------------------- commands


@dataclass(frozen=True, slots=True)
class Originate:
    """Ring ``target``; the new channel has exactly the id ``channel``. Idempotent: a channel id is dialled once, ever.

    Reports ``ChannelRinging``, then ``ChannelAnswered`` (controlled) or ``ChannelHungUp`` with the cause.
    The command returns when the switch accepted it. ``ring_timeout`` is in seconds; past it the switch gives up
    itself with ``NO_ANSWER``. ``state`` as in ``SetState``. ``auto_answer`` asks the phone to pick up by itself.
    """

    channel: str
    target: Target
    caller_number: str
    caller_name: str = ""
    ring_timeout: float = 30.0
    state: str = ""
    auto_answer: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """Answer a caller's channel. Answering an answered channel does nothing. Reports ``ChannelAnswered``."""

    channel: str


@dataclass(frozen=True, slots=True)
class AnswerDevice:
    """Make the phone of a ringing originated channel pick up (``REMOTE_ANSWER``).

    For a channel that another switch relays to its phone, this goes to that other switch.
    """

    channel: str


@dataclass(frozen=True, slots=True)
class Hangup:
    """End a channel in whatever state. Hanging up a channel that is gone does nothing.

    With the id of a channel of another switch that is relayed here (``Snapshot.relayed``): the phone's end is hung up.
    """

    channel: str
    cause: Cause = Cause.NORMAL


@dataclass(frozen=True, slots=True)
class Play:
    """Play prompts one after the other on a controlled channel; replaces what is playing, and music.

    ``prompts`` are relative names below the prompts folder without ending (``zh_CN/welcome``); a missing one is
    skipped. With ``barge_in`` any digit ends it. Reports one ``PlayFinished`` with ``play_id``.
    """

    channel: str
    prompts: tuple[str, ...]
    play_id: str
    barge_in: bool = False


@dataclass(frozen=True, slots=True)
class StopPlay:
    """Stop what is playing. ``PlayFinished(reason=stopped)`` follows if something was."""

    channel: str


@dataclass(frozen=True, slots=True)
class Music:
    """Music on hold on or off, on a controlled channel. ``music`` is a class name known to the switch."""

    channel: str
    on: bool
    music: str = "default"


@dataclass(frozen=True, slots=True)
class SendDigits:
    """Send DTMF (``0-9*#A-D``) towards the far side of ``channel``; works in a bridge."""

    channel: str
    digits: str


@dataclass(frozen=True, slots=True)
class Bridge:
    """Join two answered, controlled channels. Stops prompts and music on both. Reports ``ChannelBridged`` once."""

    channel: str
    peer: str


@dataclass(frozen=True, slots=True)
class Unbridge:
    """Part a bridged pair; both become controlled, each with ``ChannelUnbridged``. Not bridged: does nothing.

    In a conference: take ``channel`` out, it alone; the others stay.
    """

    channel: str


@dataclass(frozen=True, slots=True)
class Confer:
    """Put an answered, controlled channel among all who are in ``conference`` (``CONFERENCE``): all hear all others.

    The conference is made with the first and gone with the last. Stops prompts and music. Reports
    ``ChannelConferenced``; already in it: does nothing. Left alone in it, a channel hears silence until ``Unbridge``.
    ``conference`` is at most 64 characters of ``A-Za-z0-9_.:-``, unique on the switch.
    """

    channel: str
    conference: str


class SpyMode(StrEnum):
    """Who hears a supervisor: nobody, the target only, or everybody in the conversation."""

    LISTEN = "listen"
    WHISPER = "whisper"
    BARGE = "barge"


@dataclass(frozen=True, slots=True)
class Spy:
    """Let the answered, controlled ``channel`` hear ``target`` and whoever talks with it (``SPY``).

    It is not controlled meanwhile. Once more with another mode, or another target: changes it, without an event.
    ``Unbridge`` of ``channel``, or the target's end, ends it: ``ChannelUnbridged`` of ``channel``. Nothing is reported
    of ``target``, which need not be in a bridge. Where it leaves one, a switch may end the listening in the same way:
    whoever wants to go on asks again.
    """

    channel: str
    target: str
    mode: SpyMode


@dataclass(frozen=True, slots=True)
class RecordStart:
    """Record ``channel`` on two tracks: left what it says, right what it hears.

    ``name`` is a relative path without ending. Recording goes on through hold and bridges until ``RecordStop`` or
    hang-up; ``RecordingStopped`` follows in either case. With ``silence`` it ends by itself, and is reported in the
    same way, after so many seconds in which the channel has said nothing (``SILENCE_END``; else that is passed over).
    """

    channel: str
    recording_id: str
    name: str
    silence: float = 0.0


@dataclass(frozen=True, slots=True)
class RecordStop:
    channel: str
    recording_id: str


@dataclass(frozen=True, slots=True)
class RecordPause:
    """Silence both tracks (``paused``) or go on; the time line stays whole."""

    channel: str
    recording_id: str
    paused: bool


@dataclass(frozen=True, slots=True)
class SetState:
    """Put our state on the channel, to be read back by ``snapshot`` after any restart of ours.

    ``state`` is opaque to drivers: at most 2,000 characters of ``A-Za-z0-9_-``.
    """

    channel: str
    state: str


@dataclass(frozen=True, slots=True)
class TestCall:
    """Place a real call into the service number ``dialed`` from a made-up caller (``TEST_CALL``).

    The caller waits ``digit_after`` seconds, presses ``digits``, then speaks until hung up, at most ``max_seconds``.
    """

    dialed: str
    caller_number: str
    caller_name: str = ""
    digits: str = ""
    digit_after: float = 3.0
    max_seconds: float = 300.0

    __test__ = False  # not a pytest class


Command = (
    Originate
    | Answer
    | AnswerDevice
    | Hangup
    | Play
    | StopPlay
    | Music
    | SendDigits
    | Bridge
    | Unbridge
    | Confer
    | Spy
    | RecordStart
    | RecordStop
    | RecordPause
    | SetState
    | TestCall
)


# ---------------------------------------------------------------- events


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


class TrunkState(StrEnum):
    """What is known of a trunk, from its registration or its OPTIONS."""

    UP = "up"  # it answers; where it registers, it is registered
    REGISTERING = "registering"
    REJECTED = "rejected"  # the other side refused the registration
    DOWN = "down"  # it does not answer
    UNKNOWN = "unknown"  # nobody has asked it


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


# ---------------------------------------------------------------- snapshot


@dataclass(frozen=True, slots=True)
class ChannelSnapshot:
    """One live channel. ``peer`` is the channel it is bridged with, or empty. ``state`` as set by ``SetState``."""

    channel: str
    caller_number: str
    caller_name: str
    dialed: str
    answered: bool
    controlled: bool
    peer: str
    state: str
    device: str = ""
    trunk: str = ""
    incoming: bool = False
    age: float = 0.0  # seconds since the channel was made
    spying: str = ""  # the channel it listens to: ``Spy``
    conference: str = ""  # that it is in: ``Confer``
    watched: bool = False  # ``ChannelWatched``


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All live channels; by device name, whether each known device is registered; each trunk's state.

    ``relayed`` are the channels of other switches of ours (their ids there) whose far end this switch carries to one
    of its phones: ``DeviceTarget.switch``. The carrying channels themselves are not in ``channels``.
    ``up_for`` is how many seconds the switch has run, where it says so: an older call ended with what ran before.
    """

    at: float
    channels: tuple[ChannelSnapshot, ...] = ()
    devices: dict[str, bool] = field(default_factory=dict)
    trunks: dict[str, TrunkState] = field(default_factory=dict)
    relayed: frozenset[str] = frozenset()
    up_for: float | None = None
