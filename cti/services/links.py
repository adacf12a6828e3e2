"""Several switches as one centre: what it means that one is lost or back, and that it carries another one's legs.

A call lives on one switch. A leg of it whose phone is registered on another one is relayed by that other switch
(``Leg.via``). Must not know how switches reach each other.
"""

from __future__ import annotations

from cti.domain.calls import Call
from cti.domain.legs import Leg
from cti.domain.switch.commands import Hangup
from cti.domain.switch.events import DeviceRegistered, LinkLost, LinkUp
from cti.domain.switch.snapshot import Snapshot
from cti.domain.switch.terms import Cause
from cti.services.acd import Acd
from cti.services.calls import CallControl
from cti.services.centre import Centre
from cti.services.effects import SwitchCommand
from cti.services.endings import Endings

RELAY_GONE = 5.0
"""Seconds after the end of a leg in which the switch that relayed it may still show it."""


class Links:
    def __init__(self, centre: Centre, control: CallControl, acd: Acd, endings: Endings) -> None:
        self._centre = centre
        self._control = control
        self._acd = acd
        self._endings = endings

    # ------------------------------------------------------------ the link

    def changed(self, switch: str, event: LinkUp | LinkLost) -> None:
        status = self._centre.switches[switch]
        up = isinstance(event, LinkUp)
        if up or status.up or not status.links:  # an attempt that fails is no new loss
            status.since = self._centre.now
        status.up, status.reconciled = up, False
        status.links += 1
        self._centre.dirty_agents.update(self._centre.agents)
        if isinstance(event, LinkLost):
            self._mark_lost(switch)
            self.settle_agents()

    def _mark_lost(self, switch: str) -> None:
        """Its calls may go on; nothing can be asked of them."""
        for call in self._centre.calls.values():
            if call.switch == switch and call.switch_lost_at is None:
                call.switch_lost_at = self._centre.now
                self._tell("outOfService", call)

    def found(self, switch: str) -> None:
        """The switch is back, and what it carries has been reconciled."""
        self._centre.dirty_agents.update(self._centre.agents)
        for call in self._centre.calls.values():
            if call.switch == switch and call.switch_lost_at is not None:
                call.switch_lost_at = None
                for leg in call.live_legs():
                    if leg.pending == "hangup":
                        leg.pending_since = 0.0  # it could not be asked for: at once now
                self._tell("backInService", call)

    def _tell(self, event: str, call: Call) -> None:
        self._centre.log_call(event, call)
        if call.queue_id:
            self._centre.dirty_queues.add(call.queue_id)

    def settle_agents(self) -> None:
        """Agents whose call no switch knows go on, once every switch has spoken or is known to be away."""
        if all(s.reconciled or (s.links and not s.up) for s in self._centre.switches.values()):
            for agent in list(self._centre.agents.values()):
                self._acd.agents.settle_restored(agent)

    def device(self, switch: str, event: DeviceRegistered) -> None:
        """A phone may have moved here from a switch that is lost, so that its agent can be offered calls again."""
        self._centre.switches[switch].note_device(event.device, event.registered, self._centre.now)
        self._acd.agents.device_changed(event.device, self._centre.device_registered(event.device))
        agent = self._centre.agent_of_device(event.device)
        if agent is not None:
            self._centre.dirty_agents.add(agent.agent_id)
            self._acd.agent_ready(agent)

    # ------------------------------------------------------------ legs that another switch carries

    def relays(self, switch: str, snapshot: Snapshot, news: float) -> None:
        """Bring the legs of other switches' calls and what this one says it carries to its phones together."""
        for call in [c for c in self._centre.calls.values() if c.switch != switch]:
            for leg in call.live_legs():
                rang = leg.answered or leg.alerting_at is not None
                if leg.via == switch and rang and leg.changed_at <= news and leg.channel not in snapshot.relayed:
                    self._relay_lost(call, leg)
        if all(s.up and s.reconciled for s in self._centre.switches.values()):
            for channel in snapshot.relayed:
                over = self._centre.gone.get(channel, 0.0) < self._centre.now - RELAY_GONE
                if channel not in self._centre.channels and over:
                    self._centre.counters["reconcile:relay_orphan"] += 1
                    self._centre.effects.append(SwitchCommand(switch, Hangup(channel)))

    def _relay_lost(self, call: Call, leg: Leg) -> None:
        """The phone is out of the call, but the call's own switch has not noticed, or cannot tell."""
        if self._centre.switches[call.switch].up:
            self._centre.counters["reconcile:relay_lost"] += 1
            self._control.hangup(call, leg, Cause.MEDIA_LOST if leg.answered else Cause.UNREACHABLE)
        else:
            self._endings.let_go(call, leg)
