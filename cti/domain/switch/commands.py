"""What a service asks of a switch, as data: effects that a driver carries out, and where a channel may be sent."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from cti.domain.switch.terms import Cause


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
