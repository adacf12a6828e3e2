"""Joining, parting, holding and ending legs.

The rule: a call says which two legs should be joined (``pair``) and what every other leg should hear (``wants``);
``settle`` compares that with what the switch last reported and asks for the difference. It is run after every event,
so a late, lost or doubled event changes when something happens, never what.
"""

from __future__ import annotations

from cti.domain.calls import Call, CallPhase
from cti.domain.errors import CallyardError, DeadlineExceeded
from cti.domain.legs import Audio, Leg, LegKind, LegState, ListenMode
from cti.domain.switch.commands import (
    Bridge,
    Confer,
    DeviceTarget,
    Hangup,
    Music,
    Originate,
    SetState,
    Spy,
    SpyMode,
    Target,
    Unbridge,
)
from cti.domain.switch.terms import Cause
from cti.machines.connection import LegEvent
from cti.services import channel_state
from cti.services.centre import Centre
from cti.services.recorder import Recorder
from cti.services.roles import heard

PENDING_LIMIT = 3.0
"""Seconds after which a join, a parting or a hang-up that did not show is asked for again."""

MAX_ATTEMPTS = 4
CONFER_ATTEMPTS = 2
RETRY_AFTER = 1.0

LISTENING_SHORT = 1.0
"""Seconds: listening that ends sooner than this, several times in a row, is given up."""


class CallControl:
    """The media side of calls. Decides nothing about agents or queues."""

    def __init__(self, centre: Centre) -> None:
        self._centre = centre
        self.recorder = Recorder(centre)

    # ------------------------------------------------------------ making legs

    def originate(
        self, call: Call, leg: Leg, target: Target, *, caller: str, name: str = "", ring: float, auto: bool = False
    ) -> None:
        """Dial ``leg``. The switch gives up itself two seconds after our own ring timer should have."""
        leg.via = target.switch if isinstance(target, DeviceTarget) else ""
        command = Originate(
            channel=leg.channel,
            target=target,
            caller_number=caller,
            caller_name=name,
            ring_timeout=ring + 2.0,
            state=channel_state.encode(call, leg),
            auto_answer=auto,
        )
        self._centre.command(call, command)
        self._centre.start_timer(f"ring:{leg.channel}", ring)

    def remember(self, call: Call) -> None:
        """Write the call's state on the customer's channel."""
        leg = call.customer
        if leg is not None:
            self._centre.command(call, SetState(leg.channel, channel_state.encode(call, leg)))

    # ------------------------------------------------------------ what should be

    def join(self, call: Call, a: Leg, b: Leg) -> None:
        call.pair, call.room = (a.leg_id, b.leg_id), ()
        a.wants = b.wants = Audio.SILENCE
        self.settle(call)

    def confer(self, call: Call, *legs: Leg) -> None:
        """Put these, with those who are in it already, in the call's conference."""
        call.pair, call.room = None, tuple(dict.fromkeys((*call.room, *(leg.leg_id for leg in legs))))
        for leg in legs:
            leg.wants, leg.attempts = Audio.SILENCE, 0
        self.settle(call)

    def hear(self, call: Call, leg: Leg, audio: Audio) -> None:
        leg.wants = audio
        self.settle(call)

    def hangup(self, call: Call, leg: Leg, cause: Cause = Cause.NORMAL) -> None:
        """End one leg; what that means for the call was decided by the caller of this (``leg.released``)."""
        if not leg.alive or leg.pending == "hangup":
            return
        self._no_partner(call, leg)
        leg.cause = leg.cause or cause
        self.recorder.stop_those(call, lambda r: r.leg_id == leg.leg_id and r.channel != leg.channel)
        self._pend(call, leg, "hangup")
        self._centre.command(call, Hangup(leg.channel, cause))

    def hangup_all(self, call: Call, cause: Cause = Cause.NORMAL, by: str = "") -> None:
        call.ended_by = call.ended_by or by
        for leg in call.live_legs():
            self.hangup(call, leg, cause)

    # ------------------------------------------------------------ making it so

    def settle(self, call: Call) -> None:
        """Ask the switch for the difference between what is and what should be. Safe to call at any time."""
        joined = self._pair_channels(call)
        for leg in call.live_legs():
            self._expire(call, leg)
            partner = joined.get(leg.channel, "")
            if leg.pending:
                continue
            if leg.listens is not None:
                self._settle_listening(call, leg)
            elif leg.peer and leg.peer != partner:
                if self._centre.is_leaving(leg.peer):
                    continue  # the bridge ends by itself
                self._unbridge(call, leg)
            elif leg.leg_id in call.room:
                self._settle_in_room(call, leg)
            elif leg.room:
                self._unbridge(call, leg)
            elif not leg.peer and not partner and leg.controlled and leg.answered:
                self._settle_audio(call, leg)
        self._settle_pair(call)

    def _settle_listening(self, call: Call, leg: Leg) -> None:
        """A supervisor's leg hears its agent, is there again when the agent is, and goes with the agent."""
        listens = leg.listens
        target = heard(call, listens.agent_id) if listens is not None else None
        if listens is None or target is None:
            if listens is None or call.waiting_for_agent != listens.agent_id:
                self.hangup(call, leg)
            return
        wanted = (target.channel, str(listens.mode))
        if not (leg.answered and target.answered):
            return
        if leg.attempts >= MAX_ATTEMPTS or listens.mode is ListenMode.INTERCEPT:
            self.hangup(call, leg, Cause.FAILED)
        elif leg.controlled or listens.asked != wanted:
            listens.asked, listens.asked_at = wanted, self._centre.now
            leg.controlled, leg.music_on, leg.changed_at = False, False, self._centre.now
            self._centre.command(call, Spy(leg.channel, target.channel, SpyMode(listens.mode)))
            self._record_barging(call, leg, listens.mode)

    def _record_barging(self, call: Call, leg: Leg, mode: ListenMode) -> None:
        """Whoever barges in is heard by the customer and so recorded: on their own channel, which hears all others.

        What a switch mixes into a channel to be heard there need not be on the recordings of that channel.
        """
        if mode is not ListenMode.BARGE:
            self.recorder.stop(call, leg)
        elif not any(r.ended_at is None and r.channel == leg.channel for r in call.recordings):
            self.recorder.record(call, leg, leg)

    def stop_listening(self, call: Call, leg: Leg) -> None:
        """Back under our control, for something else; the leg has lost what it listened to."""
        if leg.answered and not leg.controlled and not leg.peer:
            self._pend(call, leg, "unbridge")
            self._centre.command(call, Unbridge(leg.channel))

    def not_heard(self, call: Call, leg: Leg) -> None:
        """The switch refused to let a supervisor listen: asked again soon, a few times."""
        if leg.listens is not None:
            leg.listens.asked = ("", "")
            leg.attempts += 1
            self._centre.start_timer(f"settle:{call.call_id}", RETRY_AFTER)

    def _unbridge(self, call: Call, leg: Leg) -> None:
        """One command parts both."""
        self._pend(call, leg, "unbridge")
        found = self._centre.channels.get(leg.peer)
        if found is not None and not found[1].pending:
            self._pend(call, found[1], "unbridge")
        self._centre.command(call, Unbridge(leg.channel))

    def _settle_in_room(self, call: Call, leg: Leg) -> None:
        if leg.room or not (leg.answered and leg.controlled):
            return
        agent_leg = next((one for one in call.members() if one.agent_id), None)
        if leg.kind is LegKind.CUSTOMER and agent_leg is not None:
            self.recorder.ensure(call, leg, agent_leg)
        elif leg.kind is not LegKind.CUSTOMER:
            self.recorder.stop(call, leg)
        self._pend(call, leg, "confer")
        leg.music_on = False
        self._centre.command(call, Confer(leg.channel, call.call_id))

    def _no_partner(self, call: Call, leg: Leg) -> None:
        if call.pair and leg.leg_id in call.pair:
            call.pair = None
        call.room = tuple(leg_id for leg_id in call.room if leg_id != leg.leg_id)

    def _no_room(self, call: Call) -> None:
        """The switch does not do it: as it was before, the customer on hold while the others talk."""
        self._centre.counters["conference:failed"] += 1
        agent_leg, target, customer = call.live(LegKind.AGENT), call.live(LegKind.CONSULTED), call.customer
        call.room = ()
        if customer is not None:
            customer.wants = Audio.MUSIC
            self._centre.leg_event(customer, LegEvent.HOLD)
        if agent_leg is not None and target is not None:
            call.pair = (agent_leg.leg_id, target.leg_id)

    def _settle_audio(self, call: Call, leg: Leg) -> None:
        want_music = leg.wants in (Audio.MUSIC, Audio.RINGBACK)
        if leg.wants is not Audio.PROMPT and want_music != leg.music_on:
            leg.music_on = want_music
            self._centre.command(call, Music(leg.channel, want_music, self._music(call, leg)))

    def _music(self, call: Call, leg: Leg) -> str:
        if leg.wants is Audio.RINGBACK:
            return "ringback"
        queue = self._centre.queues.get(call.queue_id)
        return queue.config.music if queue is not None else "default"

    def _settle_pair(self, call: Call) -> None:
        if call.pair is None:
            return
        a, b = (call.leg(leg_id) for leg_id in call.pair)
        if not (a.alive and b.alive):
            call.pair = None
            return
        ready = all(leg.answered and leg.controlled and not leg.peer and not leg.pending for leg in (a, b))
        if ready:
            self._pend(call, a, "bridge")
            self._pend(call, b, "bridge")
            a.music_on = b.music_on = False
            self.recorder.ensure(call, a, b)
            self._centre.command(call, Bridge(a.channel, b.channel))

    def _pair_channels(self, call: Call) -> dict[str, str]:
        if call.pair is None:
            return {}
        a, b = (call.leg(leg_id) for leg_id in call.pair)
        return {a.channel: b.channel, b.channel: a.channel}

    def _pend(self, call: Call, leg: Leg, what: str) -> None:
        leg.pending, leg.pending_since, leg.changed_at = what, self._centre.now, self._centre.now
        self._centre.start_timer(f"settle:{call.call_id}", PENDING_LIMIT + 0.1)

    def _expire(self, call: Call, leg: Leg) -> None:
        if not leg.pending or self._centre.now - leg.pending_since < PENDING_LIMIT:
            return
        if not self._centre.switches[call.switch].up:
            return  # nothing can be asked for: wait for the link
        known_at = leg.changed_at
        again = leg.pending == "hangup"
        if leg.pending == "confer" and leg.attempts + 1 >= CONFER_ATTEMPTS:
            leg.pending, leg.attempts = "", 0
            self._no_room(call)
            return
        leg.pending = ""
        leg.attempts += 1
        self._centre.counters["settle:expired"] += 1
        if again or leg.attempts >= MAX_ATTEMPTS:
            self._pend(call, leg, "hangup")
            leg.changed_at = known_at  # asking again is no news of the channel
            self._centre.command(call, Hangup(leg.channel, Cause.FAILED))

    def refused(self, call: Call, leg: Leg, error: CallyardError) -> None:
        """A join or a hang-up was not done: ask again soon, unless its outcome is unknown."""
        if leg.pending == "bridge" and not isinstance(error, DeadlineExceeded):
            for one in call.live_legs():
                if one.pending == "bridge":
                    one.pending_since -= PENDING_LIMIT
        elif leg.pending == "confer" and not isinstance(error, DeadlineExceeded):
            leg.pending_since -= PENDING_LIMIT
        if call.pair is None and leg.pending == "bridge":
            self.settle(call)
        self._centre.start_timer(f"settle:{call.call_id}", RETRY_AFTER)

    def settle_timer(self, call: Call) -> None:
        self.settle(call)
        if any(leg.pending for leg in call.live_legs()):
            self._centre.start_timer(f"settle:{call.call_id}", PENDING_LIMIT + 0.1)

    # ------------------------------------------------------------ what the switch reported

    def bridged(self, call: Call, channel: str, peer: str) -> bool:
        """Note a join; ``True`` when it is the pair that should be."""
        for mine, other in ((channel, peer), (peer, channel)):
            found = self._centre.channels.get(mine)
            if found is None or found[0] is not call:
                continue
            leg = found[1]
            leg.peer, leg.room, leg.controlled, leg.music_on = other, "", False, False
            leg.changed_at = self._centre.now
            if leg.pending == "bridge":
                leg.pending, leg.attempts = "", 0
        wanted = self._pair_channels(call).get(channel) == peer
        self.settle(call)
        return wanted

    def conferenced(self, call: Call, leg: Leg, room: str) -> bool:
        """Note that it is in a conference; ``True`` when now all are who should be."""
        leg.peer, leg.room, leg.controlled, leg.music_on = "", room, False, False
        leg.changed_at = self._centre.now
        if leg.pending == "confer":
            leg.pending, leg.attempts = "", 0
        self.settle(call)
        return leg.leg_id in call.room and all(one.room for one in call.members())

    def unbridged(self, call: Call, leg: Leg) -> None:
        if leg.listens is not None:
            short = self._centre.now - leg.listens.asked_at < LISTENING_SHORT
            leg.attempts = leg.attempts + 1 if short else 0
        leg.peer, leg.room, leg.controlled, leg.music_on = "", "", True, False
        leg.changed_at = self._centre.now
        if leg.pending == "confer":  # it was accepted and did not come about
            leg.attempts += 1
            if leg.attempts >= CONFER_ATTEMPTS:
                leg.attempts = 0
                self._no_room(call)
        if leg.pending in ("bridge", "unbridge", "confer"):
            leg.pending = ""
        self.settle(call)

    def answered(self, leg: Leg) -> None:
        leg.answered = leg.controlled = True
        leg.changed_at = self._centre.now
        self._centre.stop_timer(f"ring:{leg.channel}")
        self._centre.leg_event(leg, LegEvent.ANSWER)

    def gone(self, call: Call, leg: Leg, cause: Cause) -> None:
        """Book the end of a leg and of the recordings made for it."""
        leg.cause = cause
        if not self._centre.leg_event(leg, LegEvent.CLEAR):
            leg.ended_at, leg.state = self._centre.now, LegState.NULL
        leg.pending = leg.peer = leg.room = ""
        leg.controlled = False
        self._centre.stop_timer(f"ring:{leg.channel}")
        self._centre.channels.pop(leg.channel, None)
        self._no_partner(call, leg)
        self.recorder.stop_those(call, lambda r: leg.leg_id == r.leg_id or leg.channel == r.channel)

    def end(self, call: Call, cause: str) -> None:
        """The last leg is gone."""
        call.ended_at, call.phase = self._centre.now, CallPhase.ENDED
        call.cause, call.ended_by = call.cause or cause, call.ended_by or "system"
        call.pair, call.room, call.menu = None, (), None
        self._centre.stop_timer(f"settle:{call.call_id}")
        self._centre.log_call("callCleared", call, call.cause)
        self._centre.calls.pop(call.call_id, None)

    # ------------------------------------------------------------ hold

    def hold(self, call: Call, agent_leg: Leg) -> None:
        """Customer to music, the agent hears nothing."""
        customer = call.customer
        call.pair, call.room = None, ()
        if customer is not None:
            customer.wants = Audio.MUSIC
            self._centre.leg_event(customer, LegEvent.HOLD)
        agent_leg.wants = Audio.SILENCE
        self._centre.leg_event(agent_leg, LegEvent.HOLD)
        self.settle(call)
        self._centre.log_call("held", call)

    def retrieve(self, call: Call, agent_leg: Leg, customer: Leg) -> None:
        self.join(call, customer, agent_leg)
        self._centre.log_call("retrieved", call)
