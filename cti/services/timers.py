"""Which service a timer that is due belongs to; its key is a kind and an id (``ring:<channel>``)."""

from __future__ import annotations

from cti.domain.calls import Call
from cti.domain.switch.terms import Cause
from cti.services.centre import Centre
from cti.services.parts import Parts


class Timers:
    def __init__(self, centre: Centre, parts: Parts) -> None:
        self._centre = centre
        self._control = parts.control
        self._acd = parts.acd
        self._agents = parts.acd.agents
        self._routing = parts.routing
        self._answering = parts.lifecycle.answering
        self._endings = parts.endings
        self._overflows = parts.overflows
        self._trunk_tests = parts.trunk_tests
        self._outputs = parts.outputs

    def due(self, key: str) -> None:
        kind, _, ident = key.partition(":")
        if kind == "queue":
            self._outputs.queue_timer(ident)
        elif kind == "today":
            self._outputs.today_timer()
        elif kind in ("wrapup", "device"):
            self._agent_timer(kind, ident)
        elif kind == "ring":
            self._ring_timer(ident)
        elif kind == "place":
            self._routing.callbacks.timer(ident)
        elif (call := self._centre.calls.get(ident)) is not None:
            self._call_timer(kind, call)

    def _agent_timer(self, kind: str, agent_id: str) -> None:
        agent = self._centre.agents.get(agent_id)
        if agent is None:
            return
        if kind == "device":
            self._agents.device_timer(agent)
        else:
            self._agents.wrapup_timer(agent)

    def _ring_timer(self, channel: str) -> None:
        found = self._centre.channels.get(channel)
        if found is not None and not found[1].there:
            self._control.hangup(*found, Cause.NO_ANSWER)

    def _call_timer(self, kind: str, call: Call) -> None:
        if kind == "settle":
            self._control.settle_timer(call)
        elif kind == "relax":
            self._acd.relax(call)
        elif kind == "overflow":
            self._overflows.look(call)
        elif kind == "last":
            self._acd.last_agent_timer(call)
        elif kind == "announce":
            self._acd.announce(call)
        elif kind == "said":
            self._routing.said(call)
        elif kind == "menu":
            self._routing.menu_timer(call)
        elif kind == "callback":
            self._routing.callbacks.drop_dialogue(call)
        elif kind == "message":
            self._routing.voicemail.timer(call)
        elif kind == "survey":
            self._routing.survey.timer(call)
        elif kind == "trunk_test":
            self._trunk_tests.timer(call)
        elif kind == "rejoin":
            self._endings.rejoin_timer(call)
        elif kind == "greet":
            self._answering.greeted(call)
        elif kind == "bye":
            self._control.hangup_all(call, Cause.NORMAL, "system")
