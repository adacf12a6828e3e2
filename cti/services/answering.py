"""What comes between the answer of an agent's phone and the conversation: the agent's number, said to both; and before
that, at a number outside, the key by which a person, unlike a voicemail box, takes the call.

Decides neither who is offered a call nor what a call's end means.
"""

from __future__ import annotations

from collections.abc import Callable

from cti.domain.calls import Call, CallPhase, Direction
from cti.domain.config.agents import is_outside
from cti.domain.ids import new_id
from cti.domain.legs import Audio, Leg, LegKind
from cti.domain.switch.commands import Play
from cti.domain.switch.events import PlayEnd
from cti.services.centre import Centre
from cti.services.numbers import digit_prompts

ACCEPT, ACCEPT_WITHIN, TIMES = "1", 15.0, 3
LONGEST = 4.0
"""Seconds after which they are joined even if the end of the announcement was not reported."""


class Answering:
    """``join`` goes on with a call when everything has been said, ``there`` when a person has taken it."""

    def __init__(self, centre: Centre, join: Callable[[Call], None], there: Callable[[Call, Leg], None]) -> None:
        self._centre = centre
        self._join = join
        self._there = there

    # ------------------------------------------------------------ at a number outside

    def asks(self, call: Call, leg: Leg) -> bool:
        """Ask whoever picked up at an agent's number outside, or at one of a ring group, to press 1. ``True``: go on
        when they have."""
        number = leg.kind is LegKind.OUTSIDE and call.at_group and not leg.device
        if not (number or is_outside(leg.device)) or leg.accepted or leg.joined:
            return False
        leg.asks, leg.wants = new_id(self._centre.now), Audio.PROMPT
        self._centre.command(call, Play(leg.channel, (f"{call.language}/press_one",) * TIMES, leg.asks, barge_in=True))
        self._centre.start_timer(f"ring:{leg.channel}", ACCEPT_WITHIN)
        return True

    def digit(self, call: Call, leg: Leg, digit: str) -> None:
        if leg.asks and digit == ACCEPT and not leg.released:
            leg.asks, leg.accepted, leg.wants = "", True, Audio.SILENCE
            self._centre.stop_timer(f"ring:{leg.channel}")
            self._there(call, leg)

    def asked(self, call: Call, leg: Leg, play_id: str, reason: PlayEnd) -> None:
        """Another key was pressed: once more, within the same time."""
        if leg.asks == play_id and reason is PlayEnd.DIGIT:
            leg.asks = new_id(self._centre.now)
            prompts = (f"{call.language}/press_one",) * TIMES
            self._centre.command(call, Play(leg.channel, prompts, leg.asks, barge_in=True))

    # ------------------------------------------------------------ the agent's number

    def greets(self, call: Call, leg: Leg) -> bool:
        """Say the agent's number to the caller and to the agent, where the queue wants it. ``True``: join later."""
        queue, customer = self._centre.queues.get(call.queue_id), call.customer
        wanted = queue is not None and queue.config.announce_number and call.phase is CallPhase.QUEUED
        if not wanted or customer is None or call.direction is not Direction.INBOUND or leg.kind is not LegKind.AGENT:
            return False
        tokens = ("work_number", *digit_prompts(leg.number, call.language), "at_your_service")
        prompts = tuple(f"{call.language}/{token}" for token in tokens)
        call.greeting = new_id(self._centre.now)
        for one, play_id in ((customer, call.greeting), (leg, f"{call.greeting}-a")):
            one.wants, one.music_on = Audio.PROMPT, False
            self._centre.command(call, Play(one.channel, prompts, play_id))
        self._centre.start_timer(f"greet:{call.call_id}", LONGEST)
        return True

    def greeted(self, call: Call) -> None:
        """It has been said, or could not be."""
        if call.greeting:
            self.stop(call)
            self._join(call)

    def stop(self, call: Call) -> None:
        """Nobody is there any more to be greeted."""
        call.greeting = ""
        self._centre.stop_timer(f"greet:{call.call_id}")
