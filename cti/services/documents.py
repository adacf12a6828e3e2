"""The documents of docs/bus.md, made from the state of the centre. Pure functions."""

from __future__ import annotations

from collections import Counter
from typing import Any

from cti.domain.agents import Agent, AgentState
from cti.domain.calls import Call, CallPhase, Direction
from cti.domain.legs import Leg, LegKind, LegState
from cti.services.centre import Centre, SwitchStatus
from cti.services.queues import QueueRuntime
from cti.services.together import TAKEN


def agent_document(centre: Centre, agent: Agent) -> dict[str, Any]:
    home = centre.device_home(agent.device)
    return {
        "agent_id": agent.agent_id,
        "number": agent.number,
        "name": agent.name,
        "queues": list(agent.queues),
        "queues_assigned": agent.assigned is not None,
        "device": agent.device,
        "registered": agent.registered and bool(home),
        "switch": home,
        "state": agent.state,
        "reason": agent.reason,
        "used": {reason: round(seconds, 1) for reason, seconds in agent.used.items()},
        "since": agent.since,
        "pending": agent.pending,
        "pending_reason": agent.pending_reason,
        "wrapup_until": agent.wrapup_until,
        "notice": agent.notice,
        "taken_by": agent.taken_by if agent.notice == TAKEN else "",
        "call": _agent_call(centre, agent),
        "watched": _watched(centre, agent),
        "transferred": _transferred(centre, agent),
    }


def handed_over(centre: Centre, agent: Agent) -> Call | None:
    """The call that the agent transferred blindly, as long as nobody has answered it."""
    call = centre.calls.get(centre.handed_over.get(agent.agent_id, ""))
    last = call.transfers[-1] if call is not None and call.transfers else None
    if call is None or last is None or call.customer is None:
        return None
    talks = call.pair is not None or any(leg.alive and leg.answered for leg in call.legs if leg is not call.customer)
    mine = (last.kind, last.result, last.from_agent) == ("blind", "started", agent.agent_id)
    return call if mine and not talks else None


def _transferred(centre: Centre, agent: Agent) -> dict[str, Any] | None:
    call = handed_over(centre, agent) if not agent.call_id else None
    return None if call is None else {"call_id": call.call_id, "number": call.transfers[-1].to_number}


def _agent_call(centre: Centre, agent: Agent) -> dict[str, Any] | None:
    found = centre.agent_call(agent)
    if found is not None:
        return _call_part(centre, agent, *found)
    ended = centre.wrapped.get(agent.agent_id)
    if ended is None or agent.state is not AgentState.WRAP_UP:
        return None
    leg = next((leg for leg in reversed(ended.legs) if leg.agent_id == agent.agent_id), None)
    return None if leg is None else {**_call_part(centre, agent, ended, leg), "state": "ended"}


def _watched(centre: Centre, agent: Agent) -> dict[str, Any] | None:
    """The newest call on the agent's telephone, where a recording channel hangs on its line."""
    mine = [call for call in centre.watched.values() if any(leg.agent_id == agent.agent_id for leg in call.legs)]
    if not mine:
        return None
    call = max(mine, key=lambda call: call.created_at)
    return {
        "call_id": call.call_id,
        "direction": call.direction,
        "number": customer_number(call),
        "caller_name": call.ani_name,
        "state": "talking" if call.answered_at is not None else "offered",
        "started_at": call.created_at,
        "answered_at": call.answered_at,
    }


def _call_part(centre: Centre, agent: Agent, call: Call, leg: Leg) -> dict[str, Any]:
    queue = centre.queues.get(call.queue_id)
    own = [other for other in call.legs if other.agent_id == agent.agent_id and other.joined]
    return {
        "call_id": call.call_id,
        "role": {LegKind.CONSULTED: "consulted", LegKind.SUPERVISOR: "supervisor"}.get(leg.kind, "agent"),
        "listens": leg.listens.to_document() if leg.listens is not None else None,
        "direction": call.direction,
        "number": shown_number(call, leg),
        "caller_name": call.ani_name,
        "dialed": call.dnis,
        "queue_id": call.queue_id,
        "queue_name": queue.config.name if queue else _group_name(centre, call),
        "language": call.language,
        "state": _shown_state(call, agent),
        "leg_id": leg.leg_id,
        "channel": leg.channel,
        "switch": call.switch,
        "switch_lost": call.switch_lost_at is not None,
        "started_at": call.created_at,
        "answered_at": own[0].answered_at if own else None,
        "waited": round((leg.created_at - call.queued_at), 3) if call.queued_at else 0.0,
        "held": agent.state is AgentState.HOLD,
        "recording": any(r.ended_at is None for r in call.recordings),
        "consult": _consult(centre, call, leg),
        "callback": bool(call.place),
    }


def _group_name(centre: Centre, call: Call) -> str:
    return next((group.name for group in centre.config.groups if group.id == call.group), "")


def _shown_state(call: Call, agent: Agent) -> str:
    if agent.state is AgentState.TALKING:
        return "talking"
    if agent.state is AgentState.HOLD:
        return "hold"
    return "dialling" if call.phase is CallPhase.DIALLING else "offered"


def _consult(centre: Centre, call: Call, leg: Leg) -> dict[str, Any] | None:
    target = call.live(LegKind.CONSULTED)
    if target is None or leg.kind is not LegKind.AGENT or call.direction is Direction.INTERNAL:
        return None
    state = {LegState.INITIATED: "calling", LegState.ALERTING: "ringing"}.get(target.state, "talking")
    if target.leg_id in call.room:
        state = "conference"
    colleague = centre.agents.get(target.agent_id)
    return {"number": target.number, "name": colleague.name if colleague else "", "state": state}


def shown_number(call: Call, leg: Leg) -> str:
    """The number that the agent on ``leg`` sees: the customer's, or the colleague's in a call inside."""
    inside = call.direction is Direction.INTERNAL and leg.kind is LegKind.CONSULTED
    return call.ani if inside else customer_number(call)


def customer_number(call: Call) -> str:
    """The number of the person outside, whichever way the call went."""
    return call.ani if call.direction is Direction.INBOUND else call.dnis


def queue_document(centre: Centre, queue: QueueRuntime) -> dict[str, Any]:
    members = filter(None, map(centre.agents.get, queue.config.agents))
    states = Counter(_group(agent.state) for agent in members)
    return {
        "queue_id": queue.config.id,
        "number": queue.config.number,
        "name": queue.config.name,
        "waiting": [
            {
                "call_id": c.call_id,
                "number": customer_number(c),
                "since": c.queued_at,
                "position": i,
                "callback": c.direction is Direction.OUTBOUND,
                "first": c.first_in_line,
                "priority": c.priority,
                "retried": c.retried,
                "switch_lost": c.switch_lost_at is not None,
            }
            for i, c in enumerate(queue.waiting[:100], 1)
        ],
        "waiting_count": len(queue),
        "agents": {
            name: states.get(name, 0) for name in ("ready", "talking", "notReady", "workingAfterCall", "loggedOff")
        },
        "today": queue.today.to_document(),
    }


def _group(state: AgentState) -> str:
    on_call = (AgentState.RESERVED, AgentState.ALERTING, AgentState.TALKING, AgentState.HOLD)
    return "talking" if state in on_call else state.value


def centre_document(centre: Centre) -> dict[str, Any]:
    return {
        "switches": [
            {"name": name, "up": s.up, "since": s.since, "trunks": dict(s.trunks), "round_trips": _measured(s)}
            for name, s in centre.switches.items()
        ],
        "config_version": centre.config.version,
    }


def _measured(status: SwitchStatus) -> dict[str, float]:
    return {trunk: seconds for trunk, seconds in status.round_trips.items() if seconds and trunk in status.trunks}


def lines_document(centre: Centre) -> dict[str, Any]:
    """How many channels of each trunk are taken; ``max`` 0: no limit is known."""
    legs = [leg.trunk for call in centre.calls.values() for leg in call.live_legs() if leg.trunk]
    taken = Counter(legs)
    trunks = centre.config.trunks
    return {"lines": [{"id": t.id, "name": t.name, "in_use": taken[t.id], "max": t.max_channels} for t in trunks]}


def floor_document(centre: Centre) -> dict[str, Any]:
    return {
        **centre_document(centre),
        "agents": [agent_document(centre, a) for a in centre.agents.values()],
        "queues": [queue_document(centre, q) for q in centre.queues.values()],
        "calls": len(centre.calls),
    }


def stored_agent(centre: Centre, agent: Agent) -> dict[str, Any]:
    """What KV ``cy_agents`` keeps, so that a restarted engine knows who is on duty."""
    wrapped = centre.wrapped.get(agent.agent_id)
    return {
        "device": agent.device,
        "state": agent.state,
        "reason": agent.reason,
        "since": agent.since,
        "idle_since": agent.idle_since,
        "pending": agent.pending,
        "pending_reason": agent.pending_reason,
        "wrapup_until": agent.wrapup_until,
        "wrapup_left": agent.wrapup_left,
        "handled_for": agent.handled_for,
        "assigned": None if agent.assigned is None else list(agent.assigned),
        "day": centre.day,
        "calls": agent.calls,
        "talk": agent.talk,
        "used": dict(agent.used),
        "wrapup_call": wrapped.call_id if wrapped is not None else "",
    }
