"""Where a call from outside goes, and by which trunks one goes out: the rules in order. Pure, over the configuration.

The rule editor's tester and the engine ask the same question here.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import tzinfo
from random import Random

from cti.domain.calendar import OpenBecause, is_open
from cti.domain.config.centre import CentreConfig
from cti.domain.config.routes import InboundRule, RouteTarget, When
from cti.domain.config.ways_out import OutboundRule, TrunkConfig, TrunkOrder
from cti.domain.phones import normalise

ANY_TRUNK = ("", "test")
"""What calls of our own phones and test calls come in by: they may reach the numbers of every trunk."""


@dataclass(frozen=True, slots=True)
class Step:
    """One rule looked at: whether it took the call, and if not, what did not fit."""

    rule_id: str
    name: str
    took: bool
    missed: str = ""  # number · caller · calendar (there is none) · open · closed
    because: OpenBecause | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """``target`` is ``None`` for a number that is not in use. ``say`` is a prompt said first; empty: none."""

    target: RouteTarget | None
    steps: tuple[Step, ...] = ()
    say: str = ""
    priority: int = 0


def target_of(config: CentreConfig, dialled: str, trunk: str = "") -> RouteTarget | None:
    """What a service number reaches by itself, for a call that came in by ``trunk``."""
    dids = (did for did in config.dids if did.number == dialled)
    return next((did.target for did in dids if did.trunk in ("", trunk) or trunk in ANY_TRUNK), None)


def decide(config: CentreConfig, dialled: str, caller: str, at: float, zone: tzinfo, trunk: str = "") -> Decision:
    """Where a call to ``dialled`` from ``caller`` goes at epoch time ``at``."""
    own = target_of(config, dialled, trunk)
    if own is None:
        return Decision(None)
    steps: list[Step] = []
    for rule in config.inbound:
        step = _look(config, rule, dialled, caller, at, zone)
        steps.append(step)
        if step.took:
            return Decision(rule.target, tuple(steps), rule.say, rule.priority)
    return Decision(own, tuple(steps))


def _look(config: CentreConfig, rule: InboundRule, dialled: str, caller: str, at: float, zone: tzinfo) -> Step:
    if rule.numbers and dialled not in rule.numbers:
        return Step(rule.id, rule.name, False, "number")
    if (rule.callers or rule.lists) and not _meant(config, rule, caller, at):
        return Step(rule.id, rule.name, False, "caller")
    if rule.when is When.ALWAYS:
        return Step(rule.id, rule.name, True)
    calendar = next((c for c in config.calendars if c.id == rule.calendar), None)
    if calendar is None:
        return Step(rule.id, rule.name, False, "calendar")
    is_it, because = is_open(calendar, at, zone)
    took = is_it is (rule.when is When.OPEN)
    return Step(rule.id, rule.name, took, "" if took else str(rule.when), because)


def _meant(config: CentreConfig, rule: InboundRule, caller: str, at: float) -> bool:
    """The caller's number begins as the rule says, as it came or with the country's code, or is on a list of it."""
    known = normalise(caller)
    begins = bool(rule.callers) and (caller.startswith(rule.callers) or known.startswith(rule.callers))
    return begins or any(kept.holds(known, at) for kept in config.lists if kept.id in rule.lists)


def not_to_be_called(config: CentreConfig, number: str, at: float) -> str:
    """The name of the do-not-call list that holds ``number``; empty for none."""
    known = normalise(number)
    return next((kept.name for kept in config.lists if kept.do_not_call and kept.holds(known, at)), "")


def outbound_rule(
    config: CentreConfig, number: str, queues: Collection[str], agent_id: str = ""
) -> OutboundRule | None:
    """The first rule for a call to ``number`` by this agent, of ``queues``; ``None``: any trunk will do."""
    return next((rule for rule in config.outbound if not misses(rule, number, queues, agent_id)), None)


def misses(rule: OutboundRule, number: str, queues: Collection[str], agent_id: str = "") -> str:
    """What of a rule does not fit: number · who; empty where all fits."""
    if rule.prefixes and not number.startswith(rule.prefixes) and not normalise(number).startswith(rule.prefixes):
        return "number"
    meant = agent_id in rule.agents or bool(set(rule.queues) & set(queues))
    return "who" if (rule.queues or rule.agents) and not meant else ""


def trunks_in_order(
    config: CentreConfig, rule: OutboundRule | None, last: str, chance: Random
) -> tuple[TrunkConfig, ...]:
    """The trunks to try, one after the other. ``last`` is the one that the rule's call before this one took."""
    if rule is None:
        return config.trunks
    known = {trunk.id: trunk for trunk in config.trunks}
    found = [known[one] for one in rule.trunks if one in known] if rule.trunks else list(config.trunks)
    if rule.order is TrunkOrder.RANDOM:
        chance.shuffle(found)
    elif rule.order is TrunkOrder.ROUND_ROBIN:
        at = next((place for place, trunk in enumerate(found, 1) if trunk.id == last), 0)
        found = found[at:] + found[:at]
    return tuple(found)
