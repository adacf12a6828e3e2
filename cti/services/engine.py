"""The whole of call control as one pure object: inputs with their time in, effects out.

Inputs: switch events, timers, requests of agents and supervisors, configuration, snapshots, failures of effects.
``cti.engine.runner`` feeds it and carries the effects out; tests and simulations do the same without a network.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from datetime import UTC, tzinfo
from typing import Any

from cti.domain.calls import Call, CallPhase, Direction, Leg, LegKind
from cti.domain.config import CentreConfig
from cti.domain.errors import BadRequest, CallyardError, DeadlineExceeded, LinkDown
from cti.domain.switch.commands import (
    Answer,
    Bridge,
    Confer,
    Hangup,
    Music,
    Originate,
    Play,
    RecordStart,
    Spy,
    TestCall,
    Unbridge,
)
from cti.domain.switch.events import (
    ChannelAnswered,
    ChannelBridged,
    ChannelConferenced,
    ChannelHeld,
    ChannelHungUp,
    ChannelLeaving,
    ChannelOffered,
    ChannelRinging,
    ChannelUnbridged,
    ChannelWatched,
    DeviceRegistered,
    Digit,
    LinkLost,
    LinkUp,
    PlayEnd,
    PlayFinished,
    RecordingStarted,
    RecordingStopped,
    SwitchEvent,
    TrunkChanged,
)
from cti.domain.switch.snapshot import Snapshot
from cti.domain.switch.terms import Cause
from cti.domain.trunks import apply_rules
from cti.services.acd import Acd
from cti.services.calls import CallControl
from cti.services.centre import Centre
from cti.services.dialling import Dialling
from cti.services.effects import Effect, SwitchCommand
from cti.services.lifecycle import Lifecycle
from cti.services.links import Links
from cti.services.outputs import Outputs
from cti.services.overflow import Overflows
from cti.services.queues import QueueRuntime, QueueToday
from cti.services.reconcile import Reconciler
from cti.services.recordings import Recordings
from cti.services.requests import TEST_CALL_COMES_WITHIN, TEXT_LIMIT, Requests
from cti.services.routing import Routing
from cti.services.rules import target_of
from cti.services.supervision import Supervision
from cti.services.trunk_test import TrunkTests
from cti.services.watched import WatchedCalls, clean
from cti.services.ways_out import is_full

EARLY_LIMIT = 10_000


class Engine:
    def __init__(self, switches: list[str], zone: tzinfo = UTC) -> None:
        self.centre = Centre(switches, zone)
        self._control = CallControl(self.centre)
        self._acd = Acd(self.centre, self._control)
        self._agents = self._acd.agents
        self._dialling = Dialling(self.centre, self._control, self._acd)
        self._routing = Routing(self.centre, self._control, self._acd)
        self._lifecycle = Lifecycle(self.centre, self._control, self._acd, self._routing, self._dialling)
        self._links = Links(self.centre, self._control, self._acd, self._lifecycle)
        self._watched = WatchedCalls(self.centre, self._control)
        self._reconciler = Reconciler(
            self.centre,
            self._control,
            self._acd,
            self._routing,
            self._lifecycle,
            self._dialling,
            self._links,
            self._watched,
            self._offered,
        )
        self._overflows = Overflows(self.centre, self._acd, self._routing)
        self._trunk_tests = TrunkTests(self.centre, self._control, self._routing)
        supervision = Supervision(
            self.centre, self._control, self._acd, self._lifecycle.listening, self._routing.callbacks
        )
        self._requests = Requests(self.centre, self._agents, self._dialling, self._trunk_tests, supervision)
        self._recordings = Recordings(self.centre)
        self._outputs = Outputs(self.centre, self._trunk_tests)
        self._early: dict[str, deque[SwitchEvent]] = {}  # of channels not known yet, before the first snapshot

    # ------------------------------------------------------------ inputs

    def on_config(self, now: float, config: CentreConfig) -> list[Effect]:
        self.centre.now = now
        self.centre.config = config
        for queue in config.queues:
            known = self.centre.queues.get(queue.id)
            if known is None:
                self.centre.queues[queue.id] = QueueRuntime(queue)
            else:
                known.configure(queue)
        for gone in self.centre.queues.keys() - {q.id for q in config.queues}:
            if not len(self.centre.queues[gone]):
                del self.centre.queues[gone]
        self._agents.configure(config.agents)
        self.centre.dirty_queues.update(self.centre.queues)
        self._outputs.centre_changed = True
        self._acd.line_up_again()
        return self._outputs.flush()

    @staticmethod
    def wrapped_calls(agents: Mapping[str, dict[str, Any]]) -> list[str]:
        """Ids of the calls that agents, as KV kept them, are in wrap-up of: their ledger documents are needed."""
        return sorted({str(document["wrapup_call"]) for document in agents.values() if document.get("wrapup_call")})

    def on_restore(
        self, now: float, agents: Mapping[str, dict[str, Any]], ledger: Mapping[str, dict[str, Any]]
    ) -> list[Effect]:
        """Agents as KV kept them; before the first snapshot."""
        self.centre.now = now
        for agent_id, document in agents.items():
            agent = self.centre.agents.get(agent_id)
            if agent is not None:
                try:
                    self._agents.restore(agent, document, self._wrapped(document, ledger))
                except (KeyError, ValueError):
                    self.centre.counters["restore:bad"] += 1
        return self._outputs.flush()

    def _wrapped(self, document: Mapping[str, Any], ledger: Mapping[str, dict[str, Any]]) -> Call | None:
        try:
            return Call.from_document(ledger[document["wrapup_call"]])
        except (KeyError, ValueError, TypeError):
            return None

    def refresh(self, now: float) -> list[Effect]:
        """Publish everything again: the bus was away."""
        self.centre.now = now
        self._outputs.everything()
        return self._outputs.flush()

    def restore_today(self, document: Mapping[str, Any]) -> None:
        """Today's counters as an earlier ``StoreToday`` kept them; empty when there are none."""
        self._outputs.restore_today(document)

    def restore_callbacks(self, now: float, document: Mapping[str, Any]) -> list[Effect]:
        """Places in queues as an earlier ``StoreCallbacks`` kept them; empty when there are none."""
        self.centre.now = now
        self._routing.callbacks.restore(document)
        return self._outputs.flush()

    def new_day(self, now: float, day: str) -> list[Effect]:
        """Today's figures start anew. ``day`` is the centre's date."""
        self.centre.now, self.centre.day = now, day
        for agent in self.centre.agents.values():
            agent.calls, agent.talk = 0, 0.0
            agent.used = {agent.reason: agent.since - now} if agent.reason else {}  # what is before midnight, taken off
            self.centre.place(agent)
            self.centre.dirty_agents.add(agent.agent_id)
        for queue in self.centre.queues.values():
            queue.today = QueueToday()
        self.centre.dirty_queues.update(self.centre.queues)
        return self._outputs.flush()

    def unknown_calls(self, snapshot: Snapshot) -> list[str]:
        return self._reconciler.unknown_calls(snapshot)

    def on_snapshot(
        self, now: float, switch: str, snapshot: Snapshot, asked_at: float, ledger: Mapping[str, dict[str, Any]]
    ) -> list[Effect]:
        self.centre.now = now
        known = self.centre.switches[switch].trunks
        self._reconciler.run(switch, snapshot, asked_at, ledger)
        self._outputs.centre_changed |= self.centre.switches[switch].trunks != known
        for event in self._early.pop(switch, ()):
            self._event(switch, event)
        self._recordings.reconciled()
        if all(status.reconciled for status in self.centre.switches.values()):
            self._routing.callbacks.resume()
        return self._outputs.flush()

    def on_event(self, now: float, switch: str, event: SwitchEvent) -> list[Effect]:
        self.centre.now = now
        self.centre.counters[f"event:{type(event).__name__}"] += 1
        self._event(switch, event)
        return self._outputs.flush()

    def on_timer(self, now: float, key: str) -> list[Effect]:
        self.centre.now = now
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
        elif (call := self.centre.calls.get(ident)) is not None:
            self._call_timer(kind, call)
        return self._outputs.flush()

    def on_last_agent(self, now: float, call_id: str, queue_id: str, agent_id: str) -> list[Effect]:
        """The answer to ``AskLastAgent``; no agent: nobody, or nobody could say."""
        self.centre.now = now
        call = self.centre.calls.get(call_id)
        if call is not None:
            self._acd.last_agent(call, queue_id, agent_id)
        return self._outputs.flush()

    def on_failed(self, now: float, effect: SwitchCommand, error: CallyardError) -> list[Effect]:
        """A switch command did not do its work; what is not repaired here is by the settle timer or reconciliation."""
        self.centre.now = now
        command = effect.command
        self.centre.counters[f"failed:{type(command).__name__}:{error.code}"] += 1
        if isinstance(command, TestCall):
            return self._outputs.flush()
        found = self.centre.channels.get(command.channel)
        if found is None:
            self._watched.failed(command, error)
        else:
            call, leg = found
            if isinstance(command, Originate) and not isinstance(error, DeadlineExceeded | LinkDown):
                refused = error.code == "switch.refused"
                self._lifecycle.gone(call, leg, Cause.UNREACHABLE if refused else Cause.CANCELLED, False)
            elif isinstance(command, Play):
                self._played(call, command.play_id, PlayEnd.FAILED)
            elif isinstance(command, RecordStart) and not isinstance(error, DeadlineExceeded):
                self._control.not_recorded(call, command.recording_id)
                if call.phase is CallPhase.VOICEMAIL:
                    self._routing.voicemail.not_recorded(call)
            elif isinstance(command, Music):
                leg.music_on = not command.on
            elif isinstance(command, Spy):
                self._control.not_heard(call, leg)
            elif isinstance(command, Bridge | Unbridge | Confer | Hangup):
                self._control.refused(call, leg, error)
        return self._outputs.flush()

    # ------------------------------------------------------------ requests

    def agent_request(self, now: float, request: Mapping[str, Any]) -> tuple[dict[str, Any], list[Effect]]:
        """One ``cy.cmd.agent`` request of docs/bus.md: the reply and the effects."""
        self.centre.now = now
        return self._requests.agent(request), self._outputs.flush()

    def centre_request(self, now: float, request: Mapping[str, Any]) -> tuple[dict[str, Any], list[Effect]]:
        """One ``cy.cmd.centre`` request."""
        self.centre.now = now
        return self._requests.centre(request), self._outputs.flush()

    def supervisor_request(self, now: float, request: Mapping[str, Any]) -> tuple[dict[str, Any], list[Effect]]:
        """One ``cy.cmd.supervisor`` request."""
        self.centre.now = now
        return self._requests.supervisor(request), self._outputs.flush()

    # ------------------------------------------------------------ events of a switch

    def _event(self, switch: str, event: SwitchEvent) -> None:
        if isinstance(event, LinkUp | LinkLost):
            self._link(switch, event)
        elif isinstance(event, DeviceRegistered):
            self._links.device(switch, event)
        elif isinstance(event, TrunkChanged):
            self._outputs.centre_changed |= self.centre.switches[switch].note_trunk(event)
        elif isinstance(event, ChannelOffered):
            self._offered(switch, event)
        elif isinstance(event, ChannelWatched):
            self._watched.seen(switch, event)
        elif isinstance(event, RecordingStarted | RecordingStopped):
            self._recordings.event(event)
            found = self.centre.channels.get(event.channel)
            if found is not None and isinstance(event, RecordingStopped):
                self._routing.voicemail.stopped(found[0], event.recording_id)
        elif (watched := self.centre.watched.get(event.channel)) is not None:
            self._watched.event(watched, event)
        else:
            found = self.centre.channels.get(event.channel)
            if found is not None and found[0].switch != switch:
                self._relayed_event(switch, found[1], event)
                return
            if isinstance(event, ChannelHungUp):
                self.centre.gone[event.channel] = self.centre.now
            if found is None:
                self._stray(switch, event)
            else:
                self._channel_event(found[0], found[1], event)

    def _channel_event(
        self,
        call: Call,
        leg: Leg,
        event: ChannelRinging
        | ChannelAnswered
        | ChannelBridged
        | ChannelUnbridged
        | ChannelConferenced
        | ChannelHeld
        | Digit
        | PlayFinished
        | ChannelLeaving
        | ChannelHungUp,
    ) -> None:
        match event:
            case ChannelRinging():
                self._lifecycle.ringing(call, leg)
            case ChannelAnswered() if self._trunk_tests.is_one(call):
                self._trunk_tests.picked_up(call, leg)
            case ChannelAnswered():
                self._lifecycle.answered(call, leg)
            case ChannelBridged():
                self._lifecycle.bridged(call, event.channel, event.peer)
            case ChannelUnbridged():
                self._control.unbridged(call, leg)
                self._routing.survey.free(call)
            case ChannelConferenced():
                self._lifecycle.conferenced(call, leg, event.conference)
            case ChannelHeld():
                self._dialling.held_on_phone(call, leg, event.held)
            case Digit():
                if leg.kind is LegKind.CUSTOMER:
                    self._routing.digit(call, event.digit)
                else:
                    self._lifecycle.answering.digit(call, leg, event.digit)
            case PlayFinished():
                self._lifecycle.answering.asked(call, leg, event.play_id, event.reason)
                self._played(call, event.play_id, event.reason)
            case ChannelLeaving():
                self._lifecycle.leaving.leaves(call, leg)
            case ChannelHungUp():
                leg.sip = event.sip
                self._lifecycle.gone(call, leg, event.cause, event.by_far_side)

    def _played(self, call: Call, play_id: str, reason: PlayEnd) -> None:
        if play_id == call.greeting:
            self._lifecycle.answering.greeted(call)
        else:
            self._routing.play_finished(call, play_id, reason)

    def _relayed_event(self, switch: str, leg: Leg, event: SwitchEvent) -> None:
        """Of a channel that lives on another switch: only a key pressed at the phone carried for it means anything."""
        if leg.via == switch and isinstance(event, ChannelHeld):
            self._dialling.held_on_phone(self.centre.channels[leg.channel][0], leg, event.held)
        else:
            self.centre.counters["event:foreign"] += 1

    def _stray(self, switch: str, event: SwitchEvent) -> None:
        """An event of a channel no longer ours. One that was answered too late must not stay up."""
        if not self.centre.switches[switch].reconciled:
            self._early.setdefault(switch, deque(maxlen=EARLY_LIMIT)).append(event)
            return
        self.centre.counters["stray"] += 1
        if isinstance(event, ChannelAnswered) and event.channel.startswith("cy-"):
            self.centre.effects.append(SwitchCommand(switch, Hangup(event.channel, Cause.CANCELLED)))

    def _offered(self, switch: str, event: ChannelOffered) -> None:
        if event.channel in self.centre.channels:
            return
        call = self.centre.new_call(switch, Direction.INBOUND, CallPhase.OFFERED)
        call.ani, call.ani_name = clean(event.caller_number, 64), clean(event.caller_name, TEXT_LIMIT)
        call.dnis, call.trunk = clean(event.dialed, 64), event.trunk
        trunk = next((trunk for trunk in self.centre.config.trunks if trunk.id == event.trunk), None)
        full = trunk is not None and is_full(self.centre, trunk)
        if trunk is not None:
            call.dnis, call.ani = apply_rules(trunk.did_rules, call.dnis), apply_rules(trunk.caller_rules, call.ani)
        call.test = self.centre.now - self.centre.test_callers.pop(call.ani, 0.0) < TEST_CALL_COMES_WITHIN
        agent = self.centre.agent_by_number(event.device.removesuffix("-web")) if event.device else None
        if event.device and target_of(self.centre.config, call.dnis) is None:
            self._dialled_by_phone(call, event, agent.agent_id if agent is not None else "")
            return
        leg = self.centre.new_leg(
            call, LegKind.CUSTOMER, event.channel, device=event.device, number=call.ani, trunk=event.trunk
        )
        leg.controlled = True
        self.centre.log_call("offered", call)
        if full:
            self._control.hangup_all(call, Cause.CONGESTION, "system")
            return
        self._routing.caller_offered(call, leg)
        self._control.remember(call)

    def _dialled_by_phone(self, call: Call, event: ChannelOffered, agent_id: str) -> None:
        agent = self.centre.agents.get(agent_id)
        call.phase, call.direction = CallPhase.DIALLING, Direction.OUTBOUND
        leg = self.centre.new_leg(call, LegKind.AGENT, event.channel, device=event.device, number=event.device)
        leg.controlled = True
        try:
            if agent is None or agent.device != event.device:
                raise BadRequest("this phone has nobody logged in")
            if self.centre.agent_by_number(call.dnis) is not None:
                call.direction = Direction.INTERNAL
            call.ani = agent.number
            self._dialling.dialled_by_phone(agent, call, leg)
        except CallyardError:
            self._control.hangup_all(call, Cause.REJECTED, "system")
            return
        self.centre.command(call, Answer(leg.channel))
        self.centre.log_call("serviceInitiated", call)

    def _link(self, switch: str, event: LinkUp | LinkLost) -> None:
        self._links.changed(switch, event)
        self._early.pop(switch, None)
        self._outputs.centre_changed = True

    # ------------------------------------------------------------ timers

    def _agent_timer(self, kind: str, agent_id: str) -> None:
        agent = self.centre.agents.get(agent_id)
        if agent is None:
            return
        if kind == "device":
            self._agents.device_timer(agent)
        else:
            self._agents.wrapup_timer(agent)

    def _ring_timer(self, channel: str) -> None:
        found = self.centre.channels.get(channel)
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
            self._lifecycle.rejoin_timer(call)
        elif kind == "greet":
            self._lifecycle.answering.greeted(call)
        elif kind == "bye":
            self._control.hangup_all(call, Cause.NORMAL, "system")
