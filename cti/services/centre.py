"""The state of the whole centre in memory, and the one place where effects are collected.

Every service works on one ``Centre``. It holds no clock: ``now`` is set by the engine before each input.
"""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, tzinfo

from cti.domain.agents import Agent
from cti.domain.calls import Call, CallPhase, Direction
from cti.domain.config.agents import OUTSIDE, is_outside
from cti.domain.config.centre import CentreConfig
from cti.domain.config.ways_out import TrunkConfig
from cti.domain.errors import BadRequest, IllegalTransition, UnknownAgent
from cti.domain.ids import new_id
from cti.domain.legs import Leg, LegKind
from cti.domain.switch.commands import Command, DeviceTarget
from cti.domain.switch.events import TrunkChanged
from cti.domain.switch.terms import TrunkState
from cti.machines import connection
from cti.machines.connection import LegEffect, LegEvent
from cti.machines.table import step
from cti.services.effects import Effect, Log, StartTimer, StopTimer, SwitchCommand
from cti.services.queues import QueueRuntime

SHORT_ABANDON = 5.0
"""Seconds in a queue within which a caller who hangs up counts neither as served nor as lost."""

SAME_TIME = 1.0
"""Seconds within which a phone that registers at several switches does so at all of them."""


@dataclass(slots=True)
class SwitchStatus:
    up: bool = False
    since: float = 0.0
    reconciled: bool = False
    links: int = 0  # how often the link came or went: a snapshot asked for before is of no use
    devices: dict[str, bool] = field(default_factory=dict)
    registered_at: dict[str, float] = field(default_factory=dict)  # of each device that is, or was
    trunks: dict[str, TrunkState] = field(default_factory=dict)
    round_trips: dict[str, float] = field(default_factory=dict)  # seconds, of each trunk that answers

    def note_trunk(self, event: TrunkChanged) -> bool:
        """``True`` if that is news."""
        known = (self.trunks.get(event.trunk), self.round_trips.get(event.trunk))
        self.trunks[event.trunk], self.round_trips[event.trunk] = event.state, round(event.round_trip, 4)
        return known != (event.state, self.round_trips[event.trunk])

    def note_device(self, device: str, registered: bool, now: float) -> None:
        if registered and not self.devices.get(device, False):
            self.registered_at[device] = now
        self.devices[device] = registered


class Centre:
    """Calls, agents, queues and switches as they are known now."""

    def __init__(self, switches: list[str], zone: tzinfo = UTC) -> None:
        self.now = 0.0
        self.day = ""  # the centre's date, to which today's figures belong
        self.zone = zone
        self.short_abandon = SHORT_ABANDON
        self.apart: frozenset[str] = frozenset()  # switches that ring their own telephones only, and nobody else does
        self.chance = random.Random()
        self.last_trunk: dict[str, str] = {}  # by outbound rule, for its next call
        self.effects: list[Effect] = []
        self.config = CentreConfig()
        self.calls: dict[str, Call] = {}
        self.channels: dict[str, tuple[Call, Leg]] = {}
        self.watched: dict[str, Call] = {}  # by channel: calls on lines that are only listened to
        self.agents: dict[str, Agent] = {}
        self.numbers: dict[str, str] = {}  # agent ids by extension
        self.queues: dict[str, QueueRuntime] = {}
        self.switches: dict[str, SwitchStatus] = {name: SwitchStatus() for name in switches}
        self.dirty_agents: set[str] = set()
        self.dirty_queues: set[str] = set()
        self.wrapped: dict[str, Call] = {}  # by agent id: the ended call that the wrap-up is about
        self.test_callers: dict[str, float] = {}
        self.counters: Counter[str] = Counter()
        self.handed_over: dict[str, str] = {}  # by agent id: the call of the agent's last blind transfer
        self.gone: dict[str, float] = {}  # channels that hung up lately: a snapshot may still show them

    # ------------------------------------------------------------ effects

    def command(self, call: Call, command: Command) -> None:
        self.effects.append(SwitchCommand(call.switch, command))

    def phone_command(self, call: Call, leg: Leg, command: Command) -> None:
        """To the switch that has the leg's phone."""
        self.effects.append(SwitchCommand(leg.via or call.switch, command))

    def start_timer(self, key: str, delay: float) -> None:
        self.effects.append(StartTimer(key, max(0.0, delay)))

    def stop_timer(self, key: str) -> None:
        self.effects.append(StopTimer(key))

    def log_call(self, event: str, call: Call, cause: str = "") -> None:
        """Write one CSTA event with the whole ledger as of now."""
        call.version += 1
        document = {"event": event, "at": self.now, "cause": cause, "call": call.to_document()}
        self.effects.append(Log(f"cy.log.call.{call.call_id}", document, f"{call.call_id}-{call.version}"))

    # ------------------------------------------------------------ look-ups

    def agent(self, agent_id: str) -> Agent:
        try:
            return self.agents[agent_id]
        except KeyError:
            raise UnknownAgent(f"no agent {agent_id!r}") from None

    def agent_by_number(self, number: str) -> Agent | None:
        return self.agents.get(self.numbers.get(number, ""))

    def agent_of_device(self, device: str) -> Agent | None:
        """The agent who is logged in with this phone."""
        agent = self.agent_by_number(device.removesuffix("-web"))
        return agent if agent is not None and agent.device == device else None

    def agent_of(self, leg: Leg) -> Agent | None:
        """The agent whose present leg this is."""
        agent = self.agents.get(leg.agent_id)
        return agent if agent is not None and agent.leg_id == leg.leg_id else None

    def is_leaving(self, channel: str) -> bool:
        """We have asked for its end, which has not been reported yet."""
        found = self.channels.get(channel)
        return found is not None and found[1].pending == "hangup"

    def queue_by_number(self, number: str) -> QueueRuntime | None:
        return next((q for q in self.queues.values() if q.config.number == number), None)

    def agent_call(self, agent: Agent) -> tuple[Call, Leg] | None:
        """The call and leg the agent is on, or ``None``."""
        call = self.calls.get(agent.call_id)
        if call is None:
            return None
        leg = next((leg for leg in call.legs if leg.leg_id == agent.leg_id), None)
        return None if leg is None else (call, leg)

    def switches_up(self, name: str = "") -> list[str]:
        """The switches that can be reached; with ``name`` that one, if it can. Raises ``BadRequest``."""
        if name and name not in self.switches:
            raise BadRequest("there is no such switch", switch=name[:40])
        return [one for one, status in self.switches.items() if status.up and name in ("", one)]

    def device_registered(self, device: str) -> bool:
        if is_outside(device):
            return bool(self._outside(device))
        return any(status.devices.get(device, False) for status in self.switches.values())

    def device_home(self, device: str, prefer: str = "") -> str:
        """The switch that can ring a device now: where it registered last, or ``prefer`` if that was at the same time.

        An older registration may be that of a phone that has moved. Empty where no switch can: of one that is lost
        nothing is known.
        """
        if is_outside(device):
            able = [name for name in self.switches if self._outside(device) and self._reaches_out(name)]
            return prefer if prefer in able else next(iter(able), "")
        homes = {
            name: status.registered_at.get(device, 0.0)
            for name, status in self.switches.items()
            if status.up and status.reconciled and status.devices.get(device, False)
        }
        latest = max(homes, key=lambda name: homes[name], default="")
        return prefer if prefer in homes and homes[latest] - homes[prefer] < SAME_TIME else latest

    def _outside(self, device: str) -> str:
        agent = self.agent_by_number(device.removesuffix(OUTSIDE))
        return agent.outside if agent is not None else ""

    def _reaches_out(self, switch: str) -> bool:
        """A trunk of this switch works and has a channel left, as far as is known."""
        status = self.switches[switch]
        carried = [trunk for trunk in self.config.trunks if not trunk.switches or switch in trunk.switches]
        works = [t for t in carried if status.trunks.get(t.id) not in (TrunkState.DOWN, TrunkState.REJECTED)]
        return status.up and status.reconciled and any(self._has_room(trunk) for trunk in works)

    def _has_room(self, trunk: TrunkConfig) -> bool:
        in_use = (leg for call in self.calls.values() for leg in call.live_legs() if leg.trunk == trunk.id)
        return not trunk.max_channels or sum(1 for _ in in_use) < trunk.max_channels

    def device_target(self, call: Call, device: str) -> DeviceTarget:
        """How the call's switch rings a device; through the device's home where that is another one."""
        home = self.device_home(device, call.switch)
        return DeviceTarget(device, "" if home == call.switch else home)

    def place(self, agent: Agent) -> None:
        """Put an agent among the free ones of the queues, or out: to be called whenever that may have changed."""
        lot = self.chance.random() if agent.free else 0.0
        for queue in map(self.queues.get, agent.queues):
            if queue is not None and agent.free:
                queue.place(agent, lot)
            elif queue is not None:
                queue.free.discard(agent.agent_id)

    def can_be_offered(self, agent: Agent, call: Call | None = None) -> bool:
        """The agent is free and a switch can ring the telephone: with ``call`` the one that the call is on."""
        home = self.device_home(agent.device, call.switch if call is not None else "")
        if call is None or home == call.switch or not call.legs:
            return agent.free and bool(home)
        return agent.free and bool(home) and self.apart.isdisjoint((home, call.switch))

    # ------------------------------------------------------------ words to agents

    def notice(self, leg: Leg, notice: str) -> None:
        """What the agent whose present leg this is should know."""
        agent = self.agent_of(leg)
        if agent is not None:
            agent.notice = notice
            self.dirty_agents.add(agent.agent_id)

    def touch_agents(self, call: Call) -> None:
        """All agents of the call are told how it is now."""
        self.dirty_agents.update(leg.agent_id for leg in call.legs if leg.agent_id in self.agents)

    # ------------------------------------------------------------ calls and legs

    def new_call(self, switch: str, direction: Direction, phase: CallPhase) -> Call:
        call = Call(call_id=new_id(self.now), switch=switch, direction=direction, created_at=self.now, phase=phase)
        self.calls[call.call_id] = call
        return call

    def new_leg(
        self,
        call: Call,
        kind: LegKind,
        channel: str = "",
        *,
        device: str = "",
        number: str = "",
        agent_id: str = "",
        trunk: str = "",
    ) -> Leg:
        leg_id = new_id(self.now)
        leg = Leg(
            leg_id=leg_id,
            kind=kind,
            channel=channel or f"cy-{leg_id}",
            created_at=self.now,
            device=device,
            number=number,
            agent_id=agent_id,
            trunk=trunk,
            changed_at=self.now,
        )
        call.legs.append(leg)
        self.channels[leg.channel] = (call, leg)
        return leg

    def leg_event(self, leg: Leg, event: LegEvent) -> bool:
        """Step a leg's state table and stamp its times. ``False`` (counted) when the table forbids it."""
        try:
            leg.state, effects = step(connection.TABLE, leg.state, event)
        except IllegalTransition:
            self.counters[f"illegal:leg:{leg.state}:{event}"] += 1
            return False
        for effect in effects:
            self._stamp(leg, effect)
        return True

    def _stamp(self, leg: Leg, effect: LegEffect) -> None:
        if effect is LegEffect.STAMP_ALERTING:
            leg.alerting_at = self.now
        elif effect is LegEffect.STAMP_ANSWERED:
            leg.answered_at = self.now
        elif effect is LegEffect.STAMP_ENDED:
            leg.ended_at = self.now
        elif effect is LegEffect.START_HOLD:
            leg.held_since = self.now
        elif effect is LegEffect.STOP_HOLD and leg.held_since is not None:
            leg.held_seconds += self.now - leg.held_since
            leg.held_since = None
