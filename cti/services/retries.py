"""Callers who gave up or were cut off and call again: they are put forward where their queue says so.

Who did lately is remembered here. After a restart a question goes out as an effect and its answer comes back as an
input; nobody is held back for it, the caller only gets a better place when it comes. Must not know how calls are
offered.
"""

from __future__ import annotations

from collections import OrderedDict

from cti.domain.calls import Call, Direction
from cti.domain.config.queues import QueueConfig
from cti.domain.phones import normalise
from cti.domain.retries import without_success
from cti.services.centre import Centre
from cti.services.effects import AskRetry

REMEMBERED = 50_000
"""Callers of whom is remembered that they gave up."""


class Retries:
    def __init__(self, centre: Centre) -> None:
        self._centre = centre
        self._gave_up: OrderedDict[str, float] = OrderedDict()  # when, by number, the earliest first
        self._complete_since: float | None = None  # since when nobody is missing here

    def ended(self, call: Call) -> None:
        """A call is over; the last one of a number counts."""
        got_nowhere = without_success(call.to_document(), self._centre.short_abandon)
        number = normalise(call.ani if call.direction is Direction.INBOUND else call.dnis)
        if got_nowhere is None or not number:
            return
        self._gave_up.pop(number, None)
        if got_nowhere:
            self._gave_up[number] = self._centre.now
            if len(self._gave_up) > REMEMBERED:
                self._complete_since = self._gave_up.popitem(last=False)[1]

    def ask(self, call: Call, queue: QueueConfig) -> None:
        """A caller has come into a queue: is it another try?"""
        call.retried = False
        within = queue.retry_within if queue.retry_points > 0 else 0.0
        if within <= 0 or call.direction is not Direction.INBOUND or not call.ani.lstrip("+").isdigit():
            return
        now = self._centre.now
        if self._complete_since is None:
            self._complete_since = now
        at = self._gave_up.get(normalise(call.ani))
        if at is not None:
            call.retried = now - at <= within
        elif now - within < self._complete_since:
            self._centre.effects.append(AskRetry(call.call_id, call.ani, within, self._centre.short_abandon))
