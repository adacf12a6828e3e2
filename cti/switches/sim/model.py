"""What the simulator holds: its channels, and the far ends (phones, outside numbers) that it pretends to reach.

It must not know asyncio, the event sink or the contract's commands: the driver moves these objects.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from cti.domain.switch.commands import SpyMode
from cti.domain.switch.terms import Cause


class Timer(Protocol):
    def cancel(self) -> None: ...


@dataclass(slots=True)
class Playing:
    play_id: str
    barge_in: bool
    timer: Timer


@dataclass(slots=True)
class Recording:
    name: str
    started_at: float
    silence: float = 0.0
    paused: bool = False


@dataclass(slots=True, eq=False)
class SimChannel:
    """One live channel. ``far`` is the other end of the line, where there is one to script."""

    id: str
    created_at: float
    caller_number: str = ""
    caller_name: str = ""
    dialed: str = ""
    device: str = ""
    trunk: str = ""
    incoming: bool = False
    answered: bool = False
    controlled: bool = False
    ringing: bool = False
    auto_answer: bool = False
    state: str = ""
    music: str = ""
    peer: SimChannel | None = None
    spying: SimChannel | None = None
    spy_mode: SpyMode | None = None
    conference: str = ""
    playing: Playing | None = None
    ring_timer: Timer | None = None
    far: FarEnd | None = None
    recordings: dict[str, Recording] = field(default_factory=dict)
    digits_sent: str = ""
    prompts: tuple[str, ...] = ()
    timers: list[Timer] = field(default_factory=list)
    at: FarEndActions | None = None  # the switch it lives on; its far end may be a phone of another
    relayed_by: dict[str, SimChannel] | None = None  # what that other switch carries


class FarEnd:
    """A phone of ours, or an outside number: what it does when it is rung, and what its user does by hand.

    Untold, it rings until somebody calls ``answer``, ``reject`` or ``busy``, or the ring times out.
    """

    def __init__(self, address: str, actions: FarEndActions, registered: bool) -> None:
        self.address = address
        self.registered = registered
        self.channels: list[SimChannel] = []
        self.on_ring: Callable[[SimChannel], None] | None = None
        self.auto_answers = True  # where it is asked to
        self._do = actions

    @property
    def channel(self) -> SimChannel:
        """The newest live channel at this far end. Raises ``LookupError`` when there is none."""
        if not self.channels:
            raise LookupError(f"no call at {self.address}")
        return self.channels[-1]

    @property
    def ringing(self) -> bool:
        return any(not c.answered and not c.incoming for c in self.channels)

    def _of(self, channel: SimChannel) -> FarEndActions:
        """The switch that the call at this phone lives on."""
        return channel.at or self._do

    def register(self) -> None:
        self._do.set_registered(self, True)

    def unregister(self) -> None:
        self._do.set_registered(self, False)

    def will_answer(self, after: float = 0.0) -> FarEnd:
        """From now on pick up by itself, ``after`` seconds of ringing."""
        self.on_ring = lambda channel: self._of(channel).answer_later(channel, after)
        return self

    def will_end(self, cause: Cause, after: float = 0.0) -> FarEnd:
        """From now on refuse every call with ``cause``."""
        self.on_ring = lambda channel: self._of(channel).end_later(channel, cause, after)
        return self

    def will_ring(self) -> FarEnd:
        """From now on only ring."""
        self.on_ring = None
        return self

    def answer(self) -> None:
        self._of(self.channel).far_answer(self.channel)

    def reject(self) -> None:
        self._of(self.channel).far_end(self.channel, Cause.REJECTED)

    def busy(self) -> None:
        self._of(self.channel).far_end(self.channel, Cause.BUSY)

    def hangup(self) -> None:
        self._of(self.channel).far_end(self.channel, Cause.NORMAL)

    def press(self, digits: str) -> None:
        self._of(self.channel).press(self.channel.id, digits)

    def hold(self, held: bool = True) -> None:
        self._of(self.channel).far_hold(self.channel, held)

    def dial(self, number: str, caller_name: str = "") -> str:
        """Call ``number`` from this phone; return the new channel's id."""
        return self._do.incoming(number, self.address, caller_name, device=self.address)


class FarEndActions(Protocol):
    """What a far end asks of the simulator."""

    alive: bool

    def end(self, chan: SimChannel, cause: Cause, by_far_side: bool) -> None: ...
    def set_registered(self, far: FarEnd, registered: bool) -> None: ...
    def answer_later(self, channel: SimChannel, after: float) -> None: ...
    def end_later(self, channel: SimChannel, cause: Cause, after: float) -> None: ...
    def far_answer(self, channel: SimChannel) -> None: ...
    def far_end(self, channel: SimChannel, cause: Cause) -> None: ...
    def far_hold(self, channel: SimChannel, held: bool) -> None: ...
    def press(self, channel: str, digits: str) -> None: ...
    def incoming(
        self,
        dialed: str,
        caller_number: str,
        caller_name: str = "",
        *,
        device: str = "",
        trunk: str = "trunk",
        channel: str = "",
    ) -> str: ...
