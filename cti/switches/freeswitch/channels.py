"""What the driver remembers of each live channel, and of the devices. Data only: no I/O, no decisions on calls."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from cti.domain.switch.terms import Cause
from cti.switches.freeswitch.capture import Dialog

TEST_TRUNK = "test"
TEST_ID = "cytest-"
RELAY_ID = "relay-"  # before the id that a channel has on the other switch, whose phone is here


@dataclass(slots=True, eq=False)
class Sound:
    """What a channel was told to play: prompts (with a ``play_id``) or music. ``app`` names it to the switch."""

    app: str
    play_id: str = ""
    barge_in: bool = False
    over: bool = False  # it has been reported, or replaced
    running: bool = False  # the switch plays it


@dataclass(slots=True)
class Recording:
    recording_id: str
    name: str


@dataclass(slots=True, eq=False)
class FsChannel:
    """One live channel of ours. ``id`` is FreeSWITCH's uuid. ``exists``: the switch has told of it."""

    id: str
    incoming: bool = False
    caller_number: str = ""
    caller_name: str = ""
    dialed: str = ""
    device: str = ""
    trunk: str = ""
    via: str = ""  # the switch that relays it to its phone
    exists: bool = False
    ringing: bool = False
    answered: bool = False
    controlled: bool = False
    peer: str = ""
    bridge_to: str = ""  # the channel it is to be joined with, or was named first with
    joining_since: float = 0.0  # when it was last told to be joined; 0 once it is, or is parked
    stranded: bool = False  # it must park within a moment
    spying: str = ""  # the channel it listens to
    conference: str = ""  # that it is in, or told to join
    ending: bool = False
    hangup_asked: Cause | None = None
    sound: Sound | None = None
    stopping: dict[str, Sound] = field(default_factory=dict)  # replaced, and not yet ended on the switch
    recordings: dict[str, Recording] = field(default_factory=dict)
    digits: int = 0
    dialog: Dialog | None = None  # of the phone that was rung, once it has answered
    leaving: bool = False  # its phone has said BYE

    def take_sound(self, sound: Sound | None) -> Sound | None:
        """Make ``sound`` the one that counts; return the one before if it was not over."""
        before, self.sound = self.sound, sound
        if before is None or before.over:
            return None
        before.over = True
        self.stopping[before.app] = before
        return before


def pack_recordings(recordings: Iterable[Recording]) -> str:
    """As one channel variable, so that a restarted driver can stop what another has started."""
    return "&".join(f"{r.recording_id}!{r.name}" for r in recordings)


def unpack_recordings(packed: str) -> dict[str, Recording]:
    """Raises nothing: what does not have the shape is left out."""
    parts = (item.split("!") for item in packed.split("&") if item.count("!") == 1)
    return {p[0]: Recording(*p) for p in parts}
