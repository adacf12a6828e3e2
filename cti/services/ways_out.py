"""The way out for a call: which trunk, with which digits, showing which number. The same on every switch.

Looks at the configuration and at what is known of trunks; changes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, replace

from cti.domain.agents import Agent
from cti.domain.calls import Call, Direction
from cti.domain.config.routes import TargetKind
from cti.domain.config.ways_out import TrunkConfig
from cti.domain.errors import BadRequest, CallyardError, DoNotCall, NotAllowedNow, TrunkFull
from cti.domain.switch.commands import TrunkTarget
from cti.domain.switch.terms import TrunkState
from cti.domain.trunks import CallerId, apply_rules
from cti.services.centre import Centre
from cti.services.rules import not_to_be_called, outbound_rule, trunks_in_order

_DIALLED = re.compile(r"\+?[0-9*#]{1,39}")
_SHOWN = re.compile(r"\+?[0-9]{1,32}")
_OUT_OF_ORDER = (TrunkState.DOWN, TrunkState.REJECTED)


@dataclass(frozen=True, slots=True)
class WayOut:
    """``target`` carries the digits after the trunk's rules, ``caller`` is the number shown, ``rule`` what chose it."""

    target: TrunkTarget
    caller: str
    rule: str = ""

    @property
    def trunk(self) -> str:
        return self.target.trunk


def way_out(
    centre: Centre,
    switch: str,
    number: str,
    agent: Agent | None = None,
    call: Call | None = None,
    without: Collection[str] = (),
) -> WayOut:
    """The best of the trunks that ``switch`` carries, but for those ``without``. ``call`` is the one that is passed on.

    Raises ``DoNotCall``, ``NotAllowedNow`` where there is no trunk, ``TrunkFull``, or ``BadRequest`` for a number
    nothing is left of.
    """
    _may_be_called(centre, number)
    rule = outbound_rule(centre.config, number, _queues(agent, call), agent.agent_id if agent is not None else "")
    known = trunks_in_order(centre.config, rule, centre.last_trunk.get(rule.id, "") if rule else "", centre.chance)
    carried = [trunk for trunk in known if carries(switch, trunk) and trunk.id not in without]
    if not carried:
        raise NotAllowedNow("there is no trunk for this call on this switch", switch=switch)
    free = [trunk for trunk in carried if not is_full(centre, trunk)]
    if not free:
        raise TrunkFull("every trunk is at its limit of calls")
    states = centre.switches[switch].trunks
    working = [trunk for trunk in free if states.get(trunk.id) not in _OUT_OF_ORDER]
    way = way_by(centre, (working or free)[0], number, agent, call)
    _may_be_called(centre, way.target.number)  # without a prefix that the trunk drops
    return way if rule is None else replace(way, rule=rule.id, caller=rule.caller_number or way.caller)


def _may_be_called(centre: Centre, number: str) -> None:
    listed = not_to_be_called(centre.config, number, centre.now)
    if listed:
        raise DoNotCall("this number is not to be called", number=number[:40], list=listed)


def taken(centre: Centre, way: WayOut) -> None:
    """A call goes this way: the rule's next one starts at the trunk after it."""
    if way.rule:
        centre.last_trunk[way.rule] = way.trunk


def _queues(agent: Agent | None, call: Call | None) -> frozenset[str]:
    """Of the agent who calls, and of the call that is passed on."""
    own = agent.queues if agent is not None else ()
    return frozenset((*own, call.queue_id)) if call is not None and call.queue_id else frozenset(own)


def is_reachable(centre: Centre, call: Call, number: str) -> bool:
    """Whether a call could be passed on to this number now."""
    try:
        way_out(centre, call.switch, number, call=call)
    except CallyardError:
        return False
    return True


def way_by(
    centre: Centre, trunk: TrunkConfig, number: str, agent: Agent | None = None, call: Call | None = None
) -> WayOut:
    """Out by this trunk. Raises ``BadRequest`` for a number that the trunk's rules leave nothing to dial of."""
    digits = apply_rules(trunk.dial_rules, number)
    if not _DIALLED.fullmatch(digits):
        raise BadRequest("the rules of the trunk leave no number to dial", number=number[:40], trunk=trunk.id)
    target = TrunkTarget(trunk.id, digits, trunk.hide_number)
    return WayOut(target, _shown(centre, trunk, agent, call))


def carries(switch: str, trunk: TrunkConfig) -> bool:
    return not trunk.switches or switch in trunk.switches


def is_full(centre: Centre, trunk: TrunkConfig) -> bool:
    """Every channel that the other side allows is in use, by calls in and out on every switch."""
    if not trunk.max_channels:
        return False
    in_use = sum(leg.trunk == trunk.id for call in centre.calls.values() for leg in call.live_legs())
    return in_use >= trunk.max_channels


def _shown(centre: Centre, trunk: TrunkConfig, agent: Agent | None, call: Call | None) -> str:
    if trunk.caller_id is CallerId.FIXED:
        return trunk.caller_number
    passed_on = call is not None and call.direction is Direction.INBOUND and _SHOWN.fullmatch(call.ani)
    if trunk.caller_id is CallerId.CALLER and call is not None and passed_on:
        return call.ani
    return _own_number(centre, trunk, agent, call) or trunk.caller_number


def _own_number(centre: Centre, trunk: TrunkConfig, agent: Agent | None, call: Call | None) -> str:
    """The service number of the agent, else of the call's queue, else of the agent's first queue that has one.

    One that is bound to this trunk goes before one of any trunk.
    """
    wanted = [(TargetKind.AGENT, agent.agent_id)] if agent is not None else []
    wanted += [(TargetKind.QUEUE, call.queue_id)] if call is not None and call.queue_id else []
    wanted += [(TargetKind.QUEUE, queue) for queue in agent.queues] if agent is not None else []
    fit = [did for bound in (trunk.id, "") for did in centre.config.dids if did.trunk == bound]
    for target in wanted:
        for did in fit:
            if (did.target.kind, did.target.id) == target:
                return did.number
    return ""
