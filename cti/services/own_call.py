"""What must be so for what an agent asks of a call: each raises ``NotAllowedNow`` or ``BadRequest`` where it is not."""

from __future__ import annotations

from cti.domain.agents import Agent
from cti.domain.calls import Call
from cti.domain.errors import BadRequest, NotAllowedNow
from cti.domain.legs import Leg, LegKind
from cti.services.centre import Centre


def own_call(centre: Centre, agent: Agent) -> tuple[Call, Leg]:
    found = centre.agent_call(agent)
    if found is None or not found[1].alive:
        raise NotAllowedNow("there is no call")
    return found


def own_conversation(centre: Centre, agent: Agent) -> tuple[Call, Leg]:
    call, leg = own_call(centre, agent)
    if not leg.joined or leg.kind is not LegKind.AGENT:
        raise NotAllowedNow("only in a conversation of one's own")
    must_be_up(centre, call.switch)
    return call, leg


def with_customer(centre: Centre, agent: Agent) -> tuple[Call, Leg, Leg]:
    call, leg = own_conversation(centre, agent)
    customer = call.customer
    if customer is None:
        raise NotAllowedNow("the customer is not on the line")
    return call, leg, customer


def must_be_up(centre: Centre, switch: str) -> None:
    if not centre.switches[switch].up:
        raise NotAllowedNow("the switch cannot be reached", switch=switch)


def free_colleague(centre: Centre, agent: Agent, agent_id: str, call: Call | None = None) -> Agent:
    colleague = centre.agents[agent_id]
    if colleague is agent:
        raise BadRequest("that is yourself", number=colleague.number)
    if not centre.can_be_offered(colleague):
        raise NotAllowedNow("the colleague is not free", number=colleague.number, state=str(colleague.state))
    if not centre.can_be_offered(colleague, call):
        raise NotAllowedNow("this call's switch cannot ring the colleague's telephone", number=colleague.number)
    return colleague
