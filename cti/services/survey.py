"""How satisfied a caller is, asked after the agent has hung up: key 1 very satisfied, 2 satisfied, 3 not satisfied.

The agent is free before any of this begins. Every step has a deadline, so that nobody is left on the line; who says
nothing, presses other keys or hangs up has given no rating. Knows nothing of figures.
"""

from __future__ import annotations

from collections.abc import Callable

from cti.domain.calls import Call, CallPhase, Direction
from cti.domain.dialogues import Question
from cti.domain.ids import new_id
from cti.domain.legs import Audio, Leg, LegKind
from cti.domain.switch.commands import Play
from cti.domain.switch.events import PlayEnd
from cti.services.calls import CallControl
from cti.services.centre import Centre

RATINGS = {"1": 1, "2": 2, "3": 3}
TIMES = 2
"""So often the question is put."""

FREE_WITHIN = 5.0
"""Seconds in which the switch gives the caller back after the agent has gone."""

PROMPT_DEADLINE = 20.0
KEY_WITHIN = 5.0


def is_wanted(centre: Centre, call: Call, leg: Leg) -> bool:
    """Whether the caller is to be asked when this leg, an agent's, ends."""
    queue, customer = centre.queues.get(call.queue_id), call.customer
    if queue is None or not queue.config.survey or call.direction is not Direction.INBOUND:
        return False
    talked = leg.kind is LegKind.AGENT and leg.joined and call.phase is CallPhase.CONNECTED
    alone = call.live(LegKind.CONSULTED) is None and not call.waiting_for_agent
    return talked and alone and customer is not None and customer.pending != "hangup"


class Survey:
    """``say_and_end`` says a last sentence and hangs up."""

    def __init__(self, centre: Centre, control: CallControl, say_and_end: Callable[[Call, str], None]) -> None:
        self._centre = centre
        self._control = control
        self._say_and_end = say_and_end

    def begin(self, call: Call, leg: Leg) -> bool:
        """The agent of this leg has left: keep the caller and ask. ``False``: there is nobody, or nothing, to ask."""
        customer = call.customer
        if customer is None or not is_wanted(self._centre, call, leg):
            return False
        call.phase, call.pair, call.room = CallPhase.SURVEY, None, ()
        call.surveyed_at, call.rated_agent = self._centre.now, leg.agent_id
        call.ended_by = call.ended_by or "agent"
        customer.wants = Audio.SILENCE
        self._control.remember(call)
        self._centre.log_call("survey", call)
        self._wait(call)
        return True

    def _wait(self, call: Call) -> None:
        call.question = Question()
        self._centre.start_timer(f"survey:{call.call_id}", FREE_WITHIN)
        self.free(call)

    def free(self, call: Call) -> None:
        """The switch may have given the caller back: then ask."""
        customer = call.customer
        if customer is None or call.question is None or call.question.times:
            return
        if customer.answered and customer.controlled and not (customer.peer or customer.room or customer.pending):
            self._ask(call, customer, call.question)

    def _ask(self, call: Call, customer: Leg, question: Question) -> None:
        question.times, question.play_id = question.times + 1, new_id(self._centre.now)
        customer.wants, customer.music_on = Audio.PROMPT, False
        prompts = (f"{call.language}/survey_question",)
        self._centre.command(call, Play(customer.channel, prompts, question.play_id, barge_in=True))
        self._centre.start_timer(f"survey:{call.call_id}", PROMPT_DEADLINE)

    def played(self, call: Call, play_id: str, reason: PlayEnd) -> None:
        """The question has been put: now a key is waited for. Where it could not be said there is no answer."""
        if call.question is None or call.question.play_id != play_id:
            return
        if reason is PlayEnd.FAILED:
            self._end(call, "goodbye")
        elif reason is not PlayEnd.DIGIT:
            self._centre.start_timer(f"survey:{call.call_id}", KEY_WITHIN)

    def digit(self, call: Call, digit: str) -> None:
        if call.question is None or not call.question.times:
            return
        if digit in RATINGS:
            call.rating = RATINGS[digit]
            self._centre.log_call("rated", call)
            self._end(call, "survey_thanks")
        else:
            self._again(call, call.question)

    def timer(self, call: Call) -> None:
        """No key came; or the switch has not given the caller back, who then can be told nothing."""
        if call.question is None:
            return
        if call.question.times:
            self._again(call, call.question)
            return
        self.free(call)
        if not call.question.times:
            call.question = None
            self._control.hangup_all(call)

    def _again(self, call: Call, question: Question) -> None:
        customer = call.customer
        if customer is None or question.times >= TIMES:
            self._end(call, "goodbye")
        else:
            self._ask(call, customer, question)

    def _end(self, call: Call, token: str) -> None:
        call.question = None
        self._centre.stop_timer(f"survey:{call.call_id}")
        self._say_and_end(call, token)

    def resume(self, call: Call) -> None:
        """After a restart: who has not answered is asked anew; for an answer that is known thanks are said."""
        call.surveyed_at, call.ended_by = call.surveyed_at or self._centre.now, call.ended_by or "agent"
        if call.rating is not None:
            self._end(call, "survey_thanks")
        else:
            self._wait(call)
