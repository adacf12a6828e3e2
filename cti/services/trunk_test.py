"""The test call through a trunk: dialled without agent or queue, a word when it is answered, then the end.

What is told of it is read off its call after each input (``news``), so that whatever ends the call also ends the test.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cti.domain import sip
from cti.domain.calls import Call, CallPhase, Direction
from cti.domain.config.ways_out import TrunkConfig
from cti.domain.errors import BadRequest, LinkDown, NotAllowedNow, TrunkFull, UnknownTrunk
from cti.domain.legs import Leg, LegKind
from cti.domain.switch.terms import Cause
from cti.services.calls import CallControl
from cti.services.centre import Centre
from cti.services.effects import Publish
from cti.services.routing import Routing
from cti.services.ways_out import WayOut, carries, is_full, way_by

RING = 30.0
DEADLINE = 40.0
"""Seconds after which it is over whatever the switch says."""

_NUMBER = re.compile(r"\+?[0-9*#]{2,32}")


@dataclass(slots=True)
class TrunkTest:
    call: Call
    leg: Leg
    number: str
    way: WayOut
    answered: bool = False
    over: bool = False
    told: dict[str, Any] | None = None


class TrunkTests:
    """The last test of each trunk."""

    def __init__(self, centre: Centre, control: CallControl, routing: Routing) -> None:
        self._centre = centre
        self._control = control
        self._routing = routing
        self._tests: dict[str, TrunkTest] = {}

    # ------------------------------------------------------------ requests

    def start(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """The reply to ``trunk_test``. Raises what docs/bus.md says, and then has changed nothing."""
        number, name = request.get("number"), request.get("trunk")
        if not isinstance(number, str) or not _NUMBER.fullmatch(number):
            raise BadRequest("this is no phone number", number=str(number)[:40])
        if not isinstance(name, str) or not name:
            raise BadRequest("trunk is missing", field="trunk")
        trunk = self._trunk(name)
        running = self._tests.get(trunk.id)
        if running is not None and not running.over:
            raise NotAllowedNow("a test call through this trunk is running", trunk=trunk.id)
        if is_full(self._centre, trunk):
            raise TrunkFull("the trunk is at its limit of calls", trunk=trunk.id)
        switch = self._switch(trunk, str(request.get("switch") or ""))
        test = self._dial(trunk, switch, number, way_by(self._centre, trunk, number))
        return {"test": self._document(test)}

    def documents(self) -> dict[str, Any]:
        """The reply to ``trunk_tests``."""
        return {"tests": {trunk: test.told or self._document(test) for trunk, test in self._tests.items()}}

    def _trunk(self, name: str) -> TrunkConfig:
        found = next((trunk for trunk in self._centre.config.trunks if trunk.id == name), None)
        if found is None:
            raise UnknownTrunk("there is no such trunk", trunk=name[:40])
        return found

    def _switch(self, trunk: TrunkConfig, name: str) -> str:
        fit = [one for one in self._centre.switches_up(name) if carries(one, trunk)]
        if not fit:
            raise LinkDown("no switch that carries the trunk can be reached", trunk=trunk.id)
        return fit[0]

    def _dial(self, trunk: TrunkConfig, switch: str, number: str, way: WayOut) -> TrunkTest:
        call = self._centre.new_call(switch, Direction.OUTBOUND, CallPhase.DIALLING)
        call.test, call.ani, call.dnis, call.trunk = True, way.caller, number, trunk.id
        leg = self._centre.new_leg(call, LegKind.CUSTOMER, number=number, trunk=trunk.id)
        test = self._tests[trunk.id] = TrunkTest(call, leg, number, way)
        self._control.originate(call, leg, way.target, caller=way.caller, ring=RING)
        self._centre.start_timer(f"trunk_test:{call.call_id}", DEADLINE)
        self._centre.log_call("originated", call)
        return test

    # ------------------------------------------------------------ what happens to it

    @staticmethod
    def is_one(call: Call) -> bool:
        return call.test and call.direction is Direction.OUTBOUND

    def picked_up(self, call: Call, leg: Leg) -> None:
        self._control.answered(leg)
        if leg.pending != "hangup":
            call.phase, call.answered_at = CallPhase.CONNECTED, self._centre.now
            self._routing.say_and_end(call, "thank_you")

    def timer(self, call: Call) -> None:
        """It took too long: over, also if the switch never says so."""
        self._control.hangup_all(call, Cause.NO_ANSWER, "system")
        for test in self._tests.values():
            if test.call is call:
                self._end(test)

    def news(self) -> list[Publish]:
        """What changed since the last time."""
        return [told for test in self._tests.values() if (told := self._news(test)) is not None]

    def _news(self, test: TrunkTest) -> Publish | None:
        if test.over and test.told is not None and test.told["state"] in ("done", "failed"):
            return None
        if not test.leg.alive:
            self._end(test)
        document = self._document(test)
        if test.told is not None and test.told["state"] == document["state"]:
            return None
        test.told = document
        return Publish(f"cy.evt.trunk_test.{test.way.trunk}", document)

    def _end(self, test: TrunkTest) -> None:
        test.over, test.answered = True, test.leg.answered_at is not None
        self._centre.stop_timer(f"trunk_test:{test.call.call_id}")

    def _document(self, test: TrunkTest) -> dict[str, Any]:
        leg, over = test.leg, test.over
        cause = (leg.cause or Cause.NO_ANSWER) if over else ""
        return {
            "test_id": test.call.call_id,
            "trunk": test.way.trunk,
            "switch": test.call.switch,
            "number": test.number,
            "dialled": test.way.target.number,
            "shown": test.way.caller,
            "state": self._state(test),
            "sip": leg.sip,
            "cause": str(cause),
            "answer": sip.explain(leg.sip, cause, answered=test.answered) if over else "",
            "started_at": test.call.created_at,
            "seconds": round(self._centre.now - test.call.created_at, 3),
        }

    @staticmethod
    def _state(test: TrunkTest) -> str:
        if test.over:
            return "done" if test.answered else "failed"
        if test.leg.answered:
            return "answered"
        return "ringing" if test.leg.alerting_at is not None else "dialling"
