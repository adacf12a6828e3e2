"""The operation log: what each switch said, what it was told and what came of it, what the engine decided.

Lines are gathered for a moment and sent to the stream of docs/bus.md, by call, else by switch or agent. Whoever calls
in or is called never waits for it, and never suffers from it: without a bus so many lines wait, the rest is counted.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import wraps
from itertools import count, islice
from typing import Any, Concatenate, ParamSpec, TypeVar

import structlog

from cti.bus.base import Bus, Undo
from cti.domain.calls import Call
from cti.domain.errors import CallyardError
from cti.domain.switch.commands import TestCall
from cti.domain.switch.events import ChannelHungUp, DeviceRegistered, LinkLost, LinkUp, SwitchEvent, TrunkChanged
from cti.engine.trace_lines import TEXT, Line, of_command, of_event, of_request
from cti.services.centre import Centre
from cti.services.effects import Effect, Log, SwitchCommand

GATHER = 0.3  # seconds
WAITING = 20_000  # lines, while the bus is away
TOGETHER = 500  # lines of one message
AT_ONCE = 500  # messages
LATELY = 5_000  # channels that are gone, of which something may still be said
QUESTIONS = frozenset({"state"})  # requests that ask and change nothing

log = structlog.get_logger(__name__)

_P = ParamSpec("_P")
_T = TypeVar("_T")


@dataclass(slots=True)
class Sent:
    """A command that is on its way, and its line."""

    subject: str
    line: Line
    began: float
    gathering: int


def _harmless(
    method: Callable[Concatenate[Trace, _P], _T],
) -> Callable[Concatenate[Trace, _P], _T | None]:
    """A mistake in the log must not become one in a call."""

    @wraps(method)
    def call(self: Trace, /, *args: _P.args, **kwargs: _P.kwargs) -> _T | None:
        try:
            return method(self, *args, **kwargs)
        except Exception:
            self.centre.counters["trace:bug"] += 1
            log.exception("operation log failed")
            return None

    return call


class Trace:
    def __init__(self, centre: Centre, bus: Bus, waiting: int = WAITING) -> None:
        self.centre = centre
        self._bus, self._limit = bus, waiting
        self._engine = secrets.token_hex(4)
        self._numbers = count(1)
        self._waiting: dict[str, list[Line]] = {}
        self._lines = 0
        self._gathering = 0
        self._timer: asyncio.TimerHandle | None = None
        self._lately: dict[str, str] = {}  # call ids by channels that are gone
        self._early: dict[str, list[tuple[str, Line]]] = {}  # by switch: its channels are not known yet
        self._legs: dict[str, dict[str, str]] = {}  # by call id: the states of its legs, as told last
        self._agents: dict[str, tuple[tuple[str, str], str]] = {}  # state and reason, call id
        self._undo: Undo | None = None

    def start(self) -> None:
        self._undo = self._bus.on_connected(self.flush)

    def stop(self) -> None:
        """What waits goes to the bus."""
        if self._undo is not None:
            self._undo()
        self.flush(self._limit)
        if self._timer is not None:
            self._timer.cancel()

    # ------------------------------------------------------------ what is told

    @_harmless
    def event(self, now: float, switch: str, event: SwitchEvent) -> None:
        """Before the engine has it, of whose channels a hang-up takes one away; an offered call, once it has one."""
        channel = getattr(event, "channel", "")
        call = self._call(channel)
        line = {
            "at": now,
            "kind": "event",
            "switch": switch,
            "name": type(event).__name__,
            "with": of_event(event, call),
        }
        status = self.centre.switches[switch]
        if not channel:
            if self._is_news(switch, event):
                self._put(f"switch.{switch}", line)
            return
        line["channel"] = channel[:TEXT]
        if call is not None and isinstance(event, ChannelHungUp):
            self._lately[channel] = call.call_id
            if len(self._lately) > LATELY:
                del self._lately[next(iter(self._lately))]
        if call is None and not status.reconciled and channel not in self._lately:
            self._early.setdefault(switch, []).append((channel, line))
            del self._early[switch][:-LATELY]
            return
        self._put(self._subject(switch, channel), line)

    @_harmless
    def command(self, now: float, effect: SwitchCommand) -> Sent:
        command = effect.command
        line: Line = {"at": now, "kind": "command", "switch": effect.switch, "name": type(command).__name__}
        line |= {"n": next(self._numbers), "with": of_command(command)}
        channel = "" if isinstance(command, TestCall) else command.channel
        if channel:
            line["channel"] = channel[:TEXT]
        subject = self._subject(effect.switch, channel)
        self._put(subject, line)
        return Sent(subject, line, time.monotonic(), self._gathering)

    @_harmless
    def done(self, now: float, sent: Sent | None, error: CallyardError | None = None) -> None:
        """The switch has accepted the command, or not: on its line, or, when that is sent, on another."""
        if sent is None:
            return
        outcome: Line = {"ms": round((time.monotonic() - sent.began) * 1000, 1)}
        if error is not None:
            outcome |= {"error": error.code, "detail": str(error)[: 2 * TEXT]}
        if sent.gathering == self._gathering:
            sent.line.update(outcome)
        else:
            self._put(sent.subject, {"at": now, "kind": "result", "n": sent.line["n"], **outcome})

    @_harmless
    def logged(self, document: Mapping[str, Any]) -> None:
        """A document of a call, as the ledger gets it: the event, and which legs have changed."""
        call = document["call"]
        call_id = call["call_id"]
        known = self._legs.setdefault(call_id, {})
        states = {leg["channel"]: str(leg["state"]) for leg in call["legs"]}
        changed = {channel: state for channel, state in states.items() if known.get(channel) != state}
        known |= changed
        if call["ended_at"] is not None:
            del self._legs[call_id]
        line = {"at": document["at"], "kind": "call", "name": document["event"], "state": str(call["state"])}
        if document["cause"]:
            line["cause"] = document["cause"]
        if changed:
            line["legs"] = changed
        self._put(f"call.{call_id}", line)

    @_harmless
    def agent(self, now: float, document: Mapping[str, Any]) -> None:
        """An agent document: whether the state is another one."""
        agent_id, state = document["agent_id"], (str(document["state"]), document["reason"])
        call_id = document["call"]["call_id"] if document["call"] else ""
        known = self._agents.get(agent_id)
        self._agents[agent_id] = (state, call_id)
        if known is None or known[0] == state:
            return
        line = {"at": now, "kind": "agent", "agent": agent_id, "state": state[0]}
        if state[1]:
            line["reason"] = state[1]
        call_id = call_id or known[1]
        self._put(f"call.{call_id}" if call_id else f"agent.{agent_id}", line)

    def call_asked_for(self, request: Mapping[str, Any]) -> str:
        """The call that a request is about: to be asked before the engine has it, and after."""
        agent = self.centre.agents.get(str(request.get("agent_id")))
        named = str(request.get("call_id"))
        return named if named in self.centre.calls else agent.call_id if agent is not None else ""

    @_harmless
    def request(self, now: float, who: str, request: dict[str, Any], call_id: str, error: str) -> None:
        """``who`` is agent or supervisor."""
        if request.get("op") in QUESTIONS:
            return
        agent_id = str(request.get("agent_id", ""))
        line = {
            "at": now,
            "kind": "request",
            "by": who,
            "name": str(request.get("op"))[:TEXT],
            "with": of_request(request),
        }
        if error:
            line["error"] = error
        call_id = call_id or self.call_asked_for(request)
        if call_id:
            self._put(f"call.{call_id}", line)
        elif agent_id in self.centre.agents:
            self._put(f"agent.{agent_id}", line)

    @_harmless
    def timer(self, now: float, key: str, effects: list[Effect]) -> None:
        """A time that has run out, if anything was decided."""
        kind, _, ident = key.partition(":")
        call = self.centre.calls.get(ident) or self._call(ident)
        if call is not None and any(isinstance(effect, SwitchCommand | Log) for effect in effects):
            self._put(f"call.{call.call_id}", {"at": now, "kind": "timer", "name": kind})

    @_harmless
    def snapshot(self, now: float, switch: str, channels: int, *, first: bool) -> None:
        """A switch was looked at. What its channels said since it was connected now finds its calls."""
        if first:
            line = {"at": now, "kind": "snapshot", "switch": switch, "with": {"channels": channels}}
            self._put(f"switch.{switch}", line)
        for channel, line in self._early.pop(switch, ()):
            self._put(self._subject(switch, channel), line)

    # ------------------------------------------------------------ where it goes

    def _call(self, channel: str) -> Call | None:
        found = self.centre.channels.get(channel)
        return self.centre.watched.get(channel) if found is None else found[0]

    def _subject(self, switch: str, channel: str) -> str:
        call = self._call(channel)
        call_id = call.call_id if call is not None else self._lately.get(channel, "")
        return f"call.{call_id}" if call_id else f"switch.{switch}"

    def _is_news(self, switch: str, event: SwitchEvent) -> bool:
        """Phones register again and again, trunks are asked again and again: only a change is told."""
        status = self.centre.switches[switch]
        match event:
            case LinkUp() | LinkLost():
                return True
            case DeviceRegistered(device=device, registered=registered):
                return status.devices.get(device) is not registered
            case TrunkChanged(trunk=trunk, state=state):
                return status.trunks.get(trunk) is not state
        return True

    def _put(self, subject: str, line: Line) -> None:
        if self._lines >= self._limit:
            self.centre.counters["trace:dropped"] += 1
            return
        self._lines += 1
        lines = self._waiting.get(subject)
        if lines is None:
            self._waiting[subject] = [line]
        else:
            lines.append(line)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(GATHER, self.flush)

    def flush(self, most: int = AT_ONCE) -> None:
        """Send what was gathered; without a bus it waits for its return. Of ``most`` subjects at once: live documents
        have the same way to go."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None
        if not self._bus.connected:
            return
        self._gathering += 1
        for subject in list(islice(self._waiting, most)):
            lines = self._waiting.pop(subject)
            self._lines -= len(lines)
            for at in range(0, len(lines), TOGETHER):
                self._bus.publish(f"cy.trace.{subject}", {"engine": self._engine, "lines": lines[at : at + TOGETHER]})
        if self._waiting:
            self._timer = asyncio.get_running_loop().call_later(GATHER, self.flush)
