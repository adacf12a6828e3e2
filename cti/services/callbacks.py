"""Callers who keep their place and are called back: the dialogue in the queue, the places in line, the attempts.

A place waits in its queue as a call out that has no leg yet: where it is in line, and who may be asked, is decided as
for everybody else. An agent's phone rings first; who takes it hears the customer's phone ring. An attempt that did
not reach the customer is a call that has ended; the place waits again, as a new call, after a while. What a restarted
engine needs of all places is one document.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from cti.domain.calls import Call, CallPhase, Direction, Place
from cti.domain.dialogues import Asking, AskStage
from cti.domain.ids import new_id
from cti.domain.legs import Audio, LegKind
from cti.domain.phones import normalise
from cti.domain.switch.commands import Play
from cti.services.acd import Acd
from cti.services.calls import CallControl
from cti.services.centre import Centre
from cti.services.effects import StoreCallbacks
from cti.services.ways_out import is_reachable

KEY = "1"
"""Asks for a callback, and confirms the number."""

OTHER_KEY, END_KEY, CANCEL_KEY = "2", "#", "*"
SHORTEST, LONGEST = 5, 20
ABROAD = "00"
"""Who types a number chooses whom we pay for: not one abroad."""

KEY_WITHIN = 15.0
"""Seconds for the next key, prompts included that are not ended by it; then the caller simply waits on."""

PROMPT_DEADLINE = 30.0
LOOK_AGAIN = 15.0
"""Seconds after a restart in which an attempt that was under way shows, or is over."""


class Callbacks:
    """``say_and_end`` says a last sentence and hangs up."""

    def __init__(
        self, centre: Centre, control: CallControl, acd: Acd, say_and_end: Callable[[Call, str], None]
    ) -> None:
        self._centre = centre
        self._control = control
        self._acd = acd
        self._say_and_end = say_and_end
        self._places: dict[str, Place] = {}
        self._restored: set[str] = set()

    # ------------------------------------------------------------ the dialogue

    def digit(self, call: Call, digit: str) -> None:
        """A key of a caller who waits in a queue."""
        queue = self._centre.queues.get(call.queue_id)
        asking = call.asking
        if queue is None or not queue.config.callback or call not in queue or call.direction is not Direction.INBOUND:
            return
        if call.live(LegKind.AGENT) is not None:
            return  # somebody is about to answer
        if asking is None:
            if digit == KEY:
                call.asking = Asking(AskStage.CONFIRM, call.ani)
                self._confirm(call, call.asking)
        elif asking.stage is AskStage.CONFIRM:
            self._confirmed(call, asking, digit)
        else:
            self._typed(call, asking, digit)

    def may_offer(self, call: Call) -> bool:
        """The queue keeps places, and the caller could hear of it now."""
        queue, customer = self._centre.queues.get(call.queue_id), call.customer
        free = customer is not None and customer.controlled and not customer.pending and not call.announcing
        return queue is not None and queue.config.callback and free and call.asking is None

    def offer(self, call: Call) -> None:
        """Tell a caller who waits which key keeps the place; they go on waiting."""
        customer = call.customer
        if customer is not None:
            customer.wants, customer.music_on = Audio.PROMPT, False
            call.announcing = new_id(self._centre.now)
            prompts = (f"{call.language}/callback_offer",)
            self._centre.command(call, Play(customer.channel, prompts, call.announcing))

    def _confirm(self, call: Call, asking: Asking) -> None:
        if _dialable(asking.number) and is_reachable(self._centre, call, asking.number):
            asking.stage = AskStage.CONFIRM
            spoken = tuple(f"n_{digit}" for digit in asking.number if digit.isdigit())
            self._play(call, asking, ("callback_number", *spoken, "callback_confirm"))
        else:
            self._enter(call, asking)

    def _enter(self, call: Call, asking: Asking) -> None:
        asking.stage, asking.number = AskStage.ENTER, ""
        self._play(call, asking, ("callback_enter",))

    def _confirmed(self, call: Call, asking: Asking, digit: str) -> None:
        if digit == KEY:
            self._keep(call, asking.number)
        elif digit == OTHER_KEY:
            self._enter(call, asking)
        elif digit == CANCEL_KEY:
            self.drop_dialogue(call)
        else:
            self._confirm(call, asking)

    def _typed(self, call: Call, asking: Asking, digit: str) -> None:
        if digit == CANCEL_KEY:
            self.drop_dialogue(call)
        elif digit == END_KEY or len(asking.number) >= LONGEST:
            if asking.number.startswith(ABROAD):
                asking.number = ""
            self._confirm(call, asking)
        else:
            asking.number += digit
            self._centre.start_timer(f"callback:{call.call_id}", KEY_WITHIN)

    def _play(self, call: Call, asking: Asking, tokens: tuple[str, ...]) -> None:
        customer = call.customer
        if customer is None:
            return
        customer.wants, customer.music_on, call.announcing = Audio.PROMPT, False, ""
        asking.play_id = new_id(self._centre.now)
        prompts = tuple(f"{call.language}/{token}" for token in tokens)
        self._centre.command(call, Play(customer.channel, prompts, asking.play_id, barge_in=True))
        self._centre.start_timer(f"callback:{call.call_id}", PROMPT_DEADLINE)

    def played(self, call: Call, play_id: str) -> bool:
        """Whether it was ours; then a key is waited for, in silence."""
        if call.asking is None or call.asking.play_id != play_id:
            return False
        self._centre.start_timer(f"callback:{call.call_id}", KEY_WITHIN)
        return True

    def drop_dialogue(self, call: Call) -> None:
        """The caller waits on as before; also by the timer, when no key came."""
        customer = call.customer
        self._centre.stop_timer(f"callback:{call.call_id}")
        if call.asking is not None and customer is not None and call.phase is CallPhase.QUEUED:
            self._control.hear(call, customer, Audio.MUSIC)
        call.asking = None

    # ------------------------------------------------------------ places

    def _keep(self, call: Call, number: str) -> None:
        """The place is kept, once for a number and a queue; the caller may hang up."""
        known = next((p for p in self._places.values() if (p.number, p.queue_id) == (number, call.queue_id)), None)
        place = known or Place(
            place_id=new_id(self._centre.now),
            number=number,
            name=call.ani_name,
            queue_id=call.queue_id,
            switch=call.switch,
            language=call.language,
            queued_at=call.queued_at or self._centre.now,
            priority=call.priority,
            retried=call.retried,
        )
        call.asking, call.place = None, place.place_id
        self._centre.stop_timer(f"callback:{call.call_id}")
        self._acd.leave(call, answered=None)
        self._centre.log_call("callbackRequested", call)
        self._say_and_end(call, "callback_saved")
        if known is None:
            self._places[place.place_id] = place
            self._line_up(place)
            self._store()

    def _line_up(self, place: Place) -> None:
        """A call out that waits for an agent, in the place of the one that asked for it."""
        if place.queue_id not in self._centre.queues:
            self._forget(place.place_id)
            return
        call = self._centre.new_call(place.switch, Direction.OUTBOUND, CallPhase.QUEUED)
        call.place, call.dnis, call.ani_name, call.language = place.place_id, place.number, place.name, place.language
        call.queue_id, call.queued_at, call.entered_at = place.queue_id, place.queued_at, self._centre.now
        call.priority, call.retried, call.first_in_line = place.priority, place.retried, place.tries > 0
        place.call_id, place.next_at = call.call_id, 0.0
        self._acd.line_up(call)
        self._centre.dirty_queues.add(place.queue_id)
        self._acd.dispatch(call)

    def timer(self, place_id: str) -> None:
        """It is time for another attempt, unless one is under way."""
        place = self._places.get(place_id)
        if place is not None and place.call_id not in self._centre.calls:
            self._line_up(place)
            self._store()

    def reached(self, call: Call) -> None:
        """The customer talks with an agent: nobody calls them once more, nor who has come through by themselves."""
        if call.direction is Direction.OUTBOUND and call.place:
            self._forget(call.place)
        number = call.ani if call.direction is Direction.INBOUND else call.dnis
        for place in [p for p in self._places.values() if normalise(p.number) == normalise(number)]:
            waiting = self._centre.calls.get(place.call_id)
            if waiting is None:
                self._forget(place.place_id)
            else:
                self.cancel(waiting)

    def cancel(self, call: Call) -> bool:
        """Give up a place that waits; ``False`` when this call is none, or somebody is being called for it."""
        if call.place not in self._places or call.direction is not Direction.OUTBOUND or call.live_legs():
            return False
        self._acd.leave(call, answered=None)
        self._forget(call.place)
        self._centre.stop_timer(f"relax:{call.call_id}")
        if call.version:
            self._control.end(call, "cancelled")
        self._centre.calls.pop(call.call_id, None)
        return True

    def ending(self, call: Call) -> None:
        """An attempt ends. It counts when an agent took it; then the next one comes after a while, or none."""
        place = self._places.get(call.place)
        if place is None or place.call_id != call.call_id:
            return
        queue = self._centre.queues.get(place.queue_id)
        tried = any(leg.kind is LegKind.AGENT and leg.answered for leg in call.legs)
        place.tries += tried
        place.call_id = ""
        if queue is None or call.ended_by == "supervisor" or place.tries >= queue.config.callback_tries:
            call.given_up = True
            self._forget(place.place_id)
            return
        delay = queue.config.callback_every if tried else 0.0
        place.next_at = self._centre.now + delay
        self._centre.start_timer(f"place:{place.place_id}", delay)
        self._store()

    def _forget(self, place_id: str) -> None:
        if self._places.pop(place_id, None) is not None:
            self._centre.stop_timer(f"place:{place_id}")
            self._store()

    # ------------------------------------------------------------ after a restart

    def _store(self) -> None:
        places = [place.to_document() for place in self._places.values()]
        self._centre.effects.append(StoreCallbacks({"places": places}))

    def restore(self, document: Mapping[str, Any]) -> None:
        """Take over the places as they were stored. One with an attempt under way waits until that shows, or does
        not."""
        for known in document.get("places", ()):
            try:
                place = Place.from_document(known)
            except (KeyError, TypeError, ValueError):
                self._centre.counters["restore:bad"] += 1
                continue
            self._places[place.place_id] = place
            delay = LOOK_AGAIN if place.call_id else max(0.0, place.next_at - self._centre.now)
            self._centre.start_timer(f"place:{place.place_id}", delay)
            self._restored |= {place.place_id} if place.call_id else set()

    def resume(self) -> None:
        """What goes on is known again: attempts that are under way, and places that simply wait."""
        restored, self._restored = self._restored, set()
        for place in [place for place_id, place in self._places.items() if place_id in restored]:
            call = self._centre.calls.get(place.call_id)
            if call is not None:
                call.place = place.place_id
            self.timer(place.place_id)


def _dialable(number: str) -> bool:
    digits = number.removeprefix("+")
    return digits.isascii() and digits.isdigit() and SHORTEST <= len(digits) <= LONGEST
