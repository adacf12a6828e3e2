"""What agents and supervisors ask for: the requests of docs/bus.md, checked and handed to the services that do them.

Everything in a request is hostile. A request that is refused has changed nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from cti.domain.agents import Agent
from cti.domain.errors import BadRequest, CallyardError, LinkDown
from cti.domain.legs import ListenMode
from cti.domain.switch.commands import TestCall
from cti.services.agents import AgentService
from cti.services.centre import Centre
from cti.services.desk import Desk
from cti.services.dialling import Dialling
from cti.services.documents import agent_document, floor_document, lines_document
from cti.services.effects import SwitchCommand
from cti.services.rejoin import Rejoining
from cti.services.rules import target_of
from cti.services.supervision import Supervision
from cti.services.transfers import Transfers
from cti.services.trunk_test import TrunkTests

TEXT_LIMIT = 200
LIST_LIMIT = 200
SECONDS_LIMIT = 10**6
TEST_CALL_COMES_WITHIN = 15.0

_CALLER = re.compile(r"\+?[0-9]{1,32}")


class Requests:
    def __init__(
        self,
        centre: Centre,
        agents: AgentService,
        dialling: Dialling,
        desk: Desk,
        transfers: Transfers,
        rejoining: Rejoining,
        trunk_tests: TrunkTests,
        supervision: Supervision,
    ) -> None:
        self._centre = centre
        self._agents = agents
        self._dialling = dialling
        self._desk = desk
        self._transfers = transfers
        self._rejoining = rejoining
        self._trunk_tests = trunk_tests
        self._supervision = supervision

    # ------------------------------------------------------------ agents

    def agent(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """The reply to one ``cy.cmd.agent`` request."""
        try:
            agent = self._centre.agent(str(request.get("agent_id", "")))
            self._operation(agent, request)
            present = self._centre.agents.get(agent.agent_id, agent)
            return {"ok": True, "agent": agent_document(self._centre, present)}
        except CallyardError as error:
            return error.reply()

    def _operation(self, agent: Agent, request: Mapping[str, Any]) -> None:
        op = str(request.get("op", ""))
        text = partial(_text, request)
        operations: dict[str, Callable[[], None]] = {
            "state": lambda: None,
            "login": lambda: self._agents.login(agent, text("device")),
            "logout": lambda: self._agents.logout(agent),
            "ready": lambda: self._agents.ready(agent),
            "not_ready": lambda: self._agents.not_ready(agent, text("reason")),
            "answer": lambda: self._desk.answer(agent),
            "hangup": lambda: self._desk.hangup(agent),
            "hold": lambda: self._desk.hold(agent),
            "retrieve": lambda: self._desk.retrieve(agent),
            "digits": lambda: self._desk.digits(agent, text("digits")),
            "dial": lambda: self._dialling.dial(agent, text("number")),
            "transfer": lambda: self._transfers.transfer(agent, text("number")),
            "consult": lambda: self._transfers.consult(agent, text("number")),
            "complete": lambda: self._transfers.complete(agent),
            "conference": lambda: self._transfers.conference(agent),
            "take_back": lambda: self._transfers.take_back(agent),
            "wrapup_done": lambda: self._agents.wrapup_done(agent),
            "wrapup_extend": lambda: self._agents.wrapups.extend(agent, _seconds(request)),
            "rejoin": lambda: self._rejoining.rejoin(agent, text("device")),
        }
        if op not in operations:
            raise BadRequest("unknown operation", op=op[:40])
        operations[op]()
        self._centre.dirty_agents.add(agent.agent_id)

    # ------------------------------------------------------------ supervisors

    def supervisor(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """The reply to one ``cy.cmd.supervisor`` request. Whoever sends it has looked whether the user may."""
        text = partial(_text, request)

        def agent(name: str = "agent_id") -> Agent:
            return self._centre.agent(text(name))

        def listen(mode: ListenMode) -> Callable[[], None]:
            return lambda: self._supervision.listen(agent("supervisor"), agent(), mode)

        operations: dict[str, Callable[[], None]] = {
            "force_ready": lambda: self._supervision.force_ready(agent()),
            "force_not_ready": lambda: self._supervision.force_not_ready(agent(), text("reason")),
            "force_logout": lambda: self._supervision.force_logout(agent()),
            "set_queues": lambda: self._supervision.set_queues(agent(), _texts(request, "queues")),
            "pull": lambda: self._supervision.pull(text("call_id"), agent()),
            "drop": lambda: self._supervision.drop(text("call_id")),
            **{str(mode): listen(mode) for mode in ListenMode},
            "stop": lambda: self._supervision.stop(agent("supervisor")),
        }
        op = str(request.get("op"))
        try:
            if op not in operations:
                raise BadRequest("unknown operation", op=op[:40])
            operations[op]()
            return {"ok": True}
        except CallyardError as error:
            return error.reply()

    # ------------------------------------------------------------ the centre

    def centre(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """The reply to one ``cy.cmd.centre`` request."""
        operations: dict[str, Callable[[], dict[str, Any]]] = {
            "floor": lambda: floor_document(self._centre),
            "calls": lambda: {"calls": [call.to_document() for call in self._centre.calls.values()]},
            "ping": dict,
            "call_ids": self._call_ids,
            "test_call": lambda: self._test_call(request),
            "trunk_test": lambda: self._trunk_tests.start(request),
            "trunk_tests": self._trunk_tests.documents,
            "lines": lambda: lines_document(self._centre),
        }
        op = str(request.get("op"))
        try:
            if op not in operations:
                raise BadRequest("unknown operation", op=op[:40])
            return {"ok": True, **operations[op]()}
        except CallyardError as error:
            return error.reply()

    def _call_ids(self) -> dict[str, Any]:
        complete = all(s.up and s.reconciled for s in self._centre.switches.values())
        watched = (call.call_id for call in self._centre.watched.values())
        return {"call_ids": sorted({*self._centre.calls, *watched}), "complete": complete}

    def _test_call(self, request: Mapping[str, Any]) -> dict[str, Any]:
        dialed, caller = _text(request, "dialed"), _text(request, "caller_number")
        if target_of(self._centre.config, dialed) is None:
            raise BadRequest("this is no service number", dialed=dialed[:40])
        if not _CALLER.fullmatch(caller):
            raise BadRequest("this is no phone number", number=caller[:40])
        up = self._centre.switches_up(str(request.get("switch") or ""))
        if not up:
            raise LinkDown("the switch cannot be reached")
        digits = str(request.get("digits", ""))
        if len(digits) > 8 or any(d not in "0123456789*#" for d in digits):
            raise BadRequest("digits are 0-9 * #", digits=digits[:40])
        self._expect_test_caller(caller)
        name = str(request.get("caller_name", ""))[:60]
        self._centre.effects.append(SwitchCommand(up[0], TestCall(dialed, caller, name, digits)))
        return {}

    def _expect_test_caller(self, caller: str) -> None:
        waited_for, now = self._centre.test_callers, self._centre.now
        for known in [c for c, at in waited_for.items() if now - at > TEST_CALL_COMES_WITHIN]:
            del waited_for[known]
        waited_for[caller] = now


def _text(request: Mapping[str, Any], name: str) -> str:
    value = request.get(name)
    if not isinstance(value, str) or not value.strip() or len(value) > TEXT_LIMIT:
        raise BadRequest(f"{name} is missing", field=name)
    return value.strip()


def _texts(request: Mapping[str, Any], name: str) -> list[str]:
    value = request.get(name)
    if not isinstance(value, list) or len(value) > LIST_LIMIT or not all(isinstance(one, str) for one in value):
        raise BadRequest(f"{name} is missing", field=name)
    return [str(one) for one in value]


def _seconds(request: Mapping[str, Any]) -> float:
    value = request.get("seconds")
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise BadRequest("seconds is missing", field="seconds")
    return float(min(max(value, -1), SECONDS_LIMIT))
