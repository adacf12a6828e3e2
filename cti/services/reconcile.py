"""Bringing what we believe and what the switch says together: after every connect, after a restart, and on a timer.

The switch is the truth about channels, the ledger (last durable document of each call) about history. News that came
by event after the snapshot was asked for wins over the snapshot.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from cti.domain.agents import ESTABLISHED, ON_CALL, AgentState
from cti.domain.calls import Call, CallPhase, Direction
from cti.domain.legs import Audio, Leg, LegKind, LegState
from cti.domain.switch.commands import Hangup
from cti.domain.switch.events import ChannelOffered
from cti.domain.switch.snapshot import ChannelSnapshot, Snapshot
from cti.domain.switch.terms import Cause
from cti.machines.connection import LegEvent
from cti.services import channel_state
from cti.services.acd import Acd
from cti.services.calls import CallControl
from cti.services.centre import Centre
from cti.services.effects import SwitchCommand
from cti.services.endings import Endings
from cti.services.lifecycle import Lifecycle
from cti.services.links import Links
from cti.services.roles import conversation, wants_partner
from cti.services.routing import Routing
from cti.services.together import let_off, offers
from cti.services.watched import WatchedCalls

NEWS_GRACE = 2.0
"""Seconds before the snapshot within which a leg's own events are trusted more."""

ORPHAN_AGE = 5.0

GONE_KEPT = 60.0

LOST_VERSIONS = 1000
"""A call without its ledger goes on at this version: surely newer than what was written of it."""


class Reconciler:
    def __init__(
        self,
        centre: Centre,
        control: CallControl,
        acd: Acd,
        routing: Routing,
        lifecycle: Lifecycle,
        endings: Endings,
        links: Links,
        watched: WatchedCalls,
        offered: Callable[[str, ChannelOffered], None],
    ) -> None:
        self._centre = centre
        self._control = control
        self._acd = acd
        self._routing = routing
        self._lifecycle = lifecycle
        self._endings = endings
        self._links = links
        self._watched = watched
        self._offered = offered

    def unknown_calls(self, snapshot: Snapshot) -> list[str]:
        """Ids of calls on the switch that we do not know: their ledger documents are needed."""
        known = self._centre.channels.keys() | self._centre.watched.keys()
        states = (channel_state.decode(c.state) for c in snapshot.channels if c.channel not in known)
        return sorted({str(s["c"]) for s in states if s and s["c"] not in self._centre.calls})

    def run(self, switch: str, snapshot: Snapshot, asked_at: float, ledger: Mapping[str, dict[str, Any]]) -> None:
        status = self._centre.switches[switch]
        first = not status.reconciled
        self._devices(switch, snapshot)
        adopted: list[Call] = []
        self._forget_gone(asked_at)
        known = self._centre.channels.keys() | self._centre.gone.keys()
        unknown = (c for c in snapshot.channels if c.channel not in known and not c.watched)
        for channel in sorted(unknown, key=_customers_first):
            self._take(switch, channel, ledger, adopted)
        status.reconciled = True
        for call in adopted:
            for leg in call.live_legs():
                self._resume_agent(call, leg, {channel.channel for channel in snapshot.channels})
        news = max(asked_at - NEWS_GRACE, status.since if first else 0.0)  # no event is older than its link
        newer = self._newer(switch, news)
        self._vanished(switch, snapshot, newer)  # first: nobody is to be joined with who is gone
        self._update_known(switch, snapshot, newer)
        self._watched.reconcile(switch, snapshot, news, ledger)
        for call in adopted:
            if call.alive and call.call_id in self._centre.calls:
                self._resume(call)
                self._talks_unwritten(call)
        self._links.relays(switch, snapshot, news)
        if first:
            self._links.found(switch)
            self._links.settle_agents()
        for call in list(self._centre.calls.values()):
            if call.switch == switch:
                self._control.settle(call)
        self._acd.dispatch_all()

    def _devices(self, switch: str, snapshot: Snapshot) -> None:
        status = self._centre.switches[switch]
        status.trunks = dict(snapshot.trunks)
        for device in status.devices.keys() | snapshot.devices.keys():
            status.note_device(device, snapshot.devices.get(device, False), self._centre.now)
            self._acd.agents.device_changed(device, self._centre.device_registered(device))

    def _forget_gone(self, asked_at: float) -> None:
        gone = self._centre.gone
        for channel in [c for c, at in gone.items() if abs(asked_at - at) > GONE_KEPT]:
            del gone[channel]

    # ------------------------------------------------------------ channels we do not know

    def _take(
        self, switch: str, channel: ChannelSnapshot, ledger: Mapping[str, dict[str, Any]], adopted: list[Call]
    ) -> None:
        state = channel_state.decode(channel.state)
        try:
            self._unknown(switch, channel, state, ledger, adopted)
        except (ValueError, TypeError, OverflowError):
            self._centre.counters["reconcile:bad_state"] += 1
            self._unknown(switch, channel, {}, ledger, adopted)

    def _unknown(
        self,
        switch: str,
        channel: ChannelSnapshot,
        state: dict[str, object],
        ledger: Mapping[str, dict[str, Any]],
        adopted: list[Call],
    ) -> None:
        if state:
            call = self._centre.calls.get(str(state["c"]))
            revived = self._revive(switch, state, ledger) if call is None else call
            if self._given_up(revived, channel):
                self._hang_up(switch, channel)
                return
            self._adopt(revived, channel, state)
            if call is None:
                self._centre.calls[revived.call_id] = revived
                adopted.append(revived)
                for leg in revived.live_legs():
                    self._centre.channels[leg.channel] = (revived, leg)
        elif channel.incoming and channel.controlled:
            offered = ChannelOffered(
                self._centre.now,
                channel.channel,
                channel.caller_number,
                channel.caller_name,
                channel.dialed,
                channel.device,
                channel.trunk,
            )
            self._offered(switch, offered)
            found = self._centre.channels.get(channel.channel)
            if channel.answered and found is not None:
                self._lifecycle.answered(*found)
        elif channel.channel.startswith("cy-") and channel.age > ORPHAN_AGE:
            self._hang_up(switch, channel)

    def _hang_up(self, switch: str, channel: ChannelSnapshot) -> None:
        self._centre.counters["reconcile:orphan"] += 1
        self._centre.effects.append(SwitchCommand(switch, Hangup(channel.channel)))

    @staticmethod
    def _given_up(call: Call, channel: ChannelSnapshot) -> bool:
        """A leg that did not show in time and shows now: its agent is long with somebody else."""
        leg = next((leg for leg in call.legs if leg.channel == channel.channel), None)
        return leg is not None and not leg.alive and leg.kind is not LegKind.CUSTOMER

    def _revive(self, switch: str, state: dict[str, object], ledger: Mapping[str, dict[str, Any]]) -> Call:
        """A call from its ledger, or, where that is lost, from what the channel carries."""
        call_id = str(state["c"])
        try:
            call = Call.from_document(ledger[call_id])
        except (KeyError, ValueError, TypeError):
            self._centre.counters["reconcile:no_ledger"] += 1
            call = Call(call_id, switch, Direction(str(state.get("d", "inbound"))), _seconds(state.get("s")))
            call.dnis, call.queue_id = str(state.get("n", "")), str(state.get("q", ""))
            call.language = str(state.get("g", call.language))
            call.phase, call.version = CallPhase(str(state.get("p", call.phase))), LOST_VERSIONS
        if state.get("k") != LegKind.CUSTOMER:
            return call  # what it carries is as old as the leg
        call.phase = CallPhase(str(state.get("p", call.phase)))
        call.priority, call.retried = int(_seconds(state.get("r"))), bool(state.get("y"))
        call.first_in_line = bool(state.get("f"))
        if state.get("t") is not None:
            call.queued_at = _seconds(state.get("t"))
        return call

    def _adopt(self, call: Call, channel: ChannelSnapshot, state: dict[str, object]) -> None:
        leg = next((leg for leg in call.legs if leg.channel == channel.channel), None)
        if leg is None:
            leg = Leg(str(state.get("l")), LegKind(str(state.get("k", "customer"))), channel.channel, self._centre.now)
            leg.agent_id, leg.device = str(state.get("a", "")), channel.device
            leg.via = str(state.get("v", ""))
            leg.state = LegState.CONNECTED if channel.answered else LegState.INITIATED
            leg.joined = bool(channel.peer)
            call.legs.append(leg)
        if leg.kind is LegKind.CUSTOMER and not call.ani:
            call.ani, call.ani_name = channel.caller_number, channel.caller_name
        leg.answered, leg.controlled, leg.peer = channel.answered, channel.controlled, channel.peer
        leg.room = channel.conference
        if leg.room == call.call_id and leg.leg_id not in call.room:
            call.room = (*call.room, leg.leg_id)
        leg.ended_at = None
        if channel.answered and leg.state in (LegState.INITIATED, LegState.ALERTING):
            self._centre.leg_event(leg, LegEvent.ANSWER)
        self._centre.channels[channel.channel] = (call, leg)

    def _resume(self, call: Call) -> None:
        """Go on with an adopted call where it was."""
        if call.test and call.direction is Direction.OUTBOUND:
            self._control.hangup_all(call)  # who asked for the test is long gone
            return
        customer = call.customer
        others = [leg for leg in call.live_legs() if leg is not customer and leg.pending != "hangup"]
        others = [leg for leg in others if leg.listens is None]
        if customer is None and (call.direction is Direction.INBOUND or self._nobody_dialled(call)):
            self._control.hangup_all(call)
        elif customer is not None and (customer.pending == "hangup" or call.waiting_for_agent):
            pass
        elif customer is not None and call.phase is CallPhase.QUEUED and call.queue_id in self._centre.queues:
            customer.wants = Audio.MUSIC
            call.counted = (call.answered_at or 0.0) >= (call.queued_at or 0.0)
            self._acd.line_up(call)
            self._centre.start_timer(
                f"announce:{call.call_id}", self._centre.queues[call.queue_id].config.announce_every
            )
            self._centre.dirty_queues.add(call.queue_id)
        elif customer is not None and call.phase is CallPhase.OFFERED and not customer.answered:
            self._routing.caller_offered(call, customer)
        elif customer is not None and not others:
            call.menu = None
            self._resume_customer(call)
        self._resume_pair(call)

    def _nobody_dialled(self, call: Call) -> bool:
        """An agent who was about to be connected, with nobody: dialling is not done twice."""
        agent_leg = call.live(LegKind.AGENT)
        return agent_leg is not None and agent_leg.answered and wants_partner(call)

    def _resume_customer(self, call: Call) -> None:
        """A customer with nobody to talk to: the menu again, else back into the queue."""
        if call.at_group:
            self._routing.groups.resume(call)
        elif call.phase in (CallPhase.MENU, CallPhase.OFFERED) and call.direction is Direction.INBOUND:
            self._routing.caller_answered(call)
        elif call.phase is CallPhase.VOICEMAIL:
            self._routing.voicemail.resume(call)
        elif call.phase is CallPhase.SURVEY:
            self._routing.survey.resume(call)
        else:
            self._endings.queue_again(call, "transfer_failed")

    def _resume_pair(self, call: Call) -> None:
        kinds = (LegKind.CUSTOMER, LegKind.AGENT, LegKind.CONSULTED)
        three = [leg for leg in map(call.live, kinds) if leg is not None and leg.answered]
        if len(call.room) >= 2 and len(three) == len(kinds):
            self._control.confer(call, *three)
            return
        call.room = ()
        for leg in call.live_legs():
            if leg.answered:
                self._lifecycle.answering.asks(call, leg)
        taken = next((leg for leg in offers(call) if leg.there), None)
        if taken is not None:
            let_off(self._centre, self._control, call, taken)
        for leg in call.live_legs():
            found = self._centre.channels.get(leg.peer)
            if leg.peer and found is not None and found[0] is call:
                pair = (leg.leg_id, found[1].leg_id)
                call.pair = pair if leg.kind is LegKind.CUSTOMER or call.pair is None else call.pair
        talk = conversation(call)
        held = any(leg.state is LegState.HOLD for leg in call.live_legs())
        if call.pair is None and talk is not None and not held and all(leg.there for leg in talk):
            call.pair = (talk[0].leg_id, talk[1].leg_id)
        if held and call.customer is not None:
            call.customer.wants = Audio.MUSIC

    def _talks_unwritten(self, call: Call) -> None:
        """The switch says that the two talk, and the engine was killed before that was written."""
        one, other = (call.leg(leg_id) for leg_id in call.pair) if call.pair else (None, None)
        if one is None or other is None or (one.peer, other.peer) != (other.channel, one.channel):
            return
        if not (one.joined and other.joined):
            self._lifecycle.bridged(call, one.channel, other.channel)

    def _resume_agent(self, call: Call, leg: Leg, there: set[str]) -> None:
        agent = self._centre.agents.get(leg.agent_id)
        if agent is None or (leg.channel not in there and (agent.call_id or agent.state not in ON_CALL)):
            return
        agent.device = leg.device or agent.device
        if agent.state not in (ESTABLISHED if leg.joined else ON_CALL):  # what was kept is older than the switch's word
            self._acd.agents.found_on_call(agent, AgentState.TALKING if leg.joined else AgentState.RESERVED)
        agent.call_id, agent.leg_id = call.call_id, leg.leg_id
        self._centre.place(agent)
        if not leg.answered:
            self._centre.start_timer(f"ring:{leg.channel}", 10.0)
        self._centre.dirty_agents.add(agent.agent_id)

    # ------------------------------------------------------------ channels we know

    def _newer(self, switch: str, news: float) -> set[str]:
        """Channels whose own events are newer than the snapshot; what is done about the others here is no such news."""
        found = self._centre.channels.items()
        return {channel for channel, (call, leg) in found if call.switch == switch and leg.changed_at > news}

    def _update_known(self, switch: str, snapshot: Snapshot, newer: set[str]) -> None:
        for channel in snapshot.channels:
            found = self._centre.channels.get(channel.channel)
            if found is None or found[0].switch != switch or channel.channel in newer:
                continue
            call, leg = found
            partner = self._centre.channels.get(channel.peer)
            if channel.peer and leg.peer != channel.peer and partner is not None and partner[0] is call:
                self._centre.counters["reconcile:bridged"] += 1
                self._lifecycle.bridged(call, channel.channel, channel.peer)
            elif channel.conference == call.call_id != leg.room:
                self._centre.counters["reconcile:conferenced"] += 1
                self._lifecycle.conferenced(call, leg, channel.conference)
            elif (leg.controlled, leg.peer, leg.room) != (channel.controlled, channel.peer, channel.conference):
                self._centre.counters["reconcile:media"] += 1
                leg.room = channel.conference
                leg.controlled, leg.peer, leg.music_on = channel.controlled, channel.peer, False
                leg.pending = "hangup" if leg.pending == "hangup" else ""
            if channel.answered and channel.controlled and not leg.answered:
                self._centre.counters["reconcile:answered"] += 1
                self._lifecycle.answered(call, leg)

    def _vanished(self, switch: str, snapshot: Snapshot, newer: set[str]) -> None:
        """Who waits for an agent first: an agent who becomes free must not be rung for somebody who is gone too."""
        there = {channel.channel for channel in snapshot.channels} | newer
        left_by = {channel.channel: channel.left_by for channel in snapshot.channels}
        began = self._centre.now - snapshot.up_for if snapshot.up_for is not None else 0.0
        calls = [call for call in self._centre.calls.values() if call.switch == switch]
        for call in sorted(calls, key=lambda call: any(leg.agent_id for leg in call.live_legs())):
            missing = [leg for leg in call.live_legs() if leg.channel not in there]
            # the customer's end decides what the others' end means
            for leg in sorted(missing, key=lambda leg: leg.kind is not LegKind.CUSTOMER):
                self._centre.counters["reconcile:vanished"] += 1
                ended_it = _put_down(call, leg, left_by)
                if leg.kind is LegKind.CUSTOMER:
                    ended_it = call.created_at > began
                unrung = leg.state is LegState.INITIATED
                cause = Cause.NORMAL if ended_it else Cause.CANCELLED if unrung else Cause.FAILED
                if leg.alive and leg.via:
                    self._centre.phone_command(call, leg, Hangup(leg.channel))
                if leg.alive:
                    self._endings.gone(call, leg, cause, ended_it)


def _put_down(call: Call, leg: Leg, left_by: Mapping[str, str]) -> bool:
    """The switch says of the customer that this agent, with whom they talked last, has hung up."""
    customer = call.customer
    if customer is None or customer.state is LegState.HOLD or leg.kind is not LegKind.AGENT:
        return False
    return left_by.get(customer.channel) == leg.channel


def _customers_first(channel: ChannelSnapshot) -> bool:
    return channel_state.decode(channel.state).get("k") != LegKind.CUSTOMER


def _seconds(value: object) -> float:
    return float(value) if isinstance(value, int | float) else 0.0
