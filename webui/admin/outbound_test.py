"""What would happen to a call out: the engine's own rules over the configuration as the database has it now.

Whether a trunk is up and free is not looked at. Must not know requests or words; the template says them.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from sqlalchemy.orm import Session

from cti.domain.config.ways_out import OutboundRule, TrunkConfig
from cti.domain.trunks import apply_rules
from cti.services.rules import misses, not_to_be_called, outbound_rule, trunks_in_order
from cti.store.config import build_config


@dataclass(frozen=True, slots=True)
class Outcome:
    """``listed`` names the do-not-call list that holds the number. ``ways`` are the trunks to try with the digits
    that each is sent, in order, or in no order where ``rule`` says so. ``seen`` are rules with what does not fit."""

    number: str
    listed: str
    rule: OutboundRule | None
    ways: tuple[tuple[TrunkConfig, str], ...]
    seen: tuple[tuple[OutboundRule, str], ...]


def ask(session: Session, *, number: str, queue_id: str = "", agent_id: str = "", at: float) -> Outcome:
    """By an agent with the agent's queues, or by somebody of a queue."""
    config = build_config(session)
    own = next((agent.queues for agent in config.agents if agent.id == agent_id), ())
    queues = (*own, queue_id) if queue_id else own
    rule = outbound_rule(config, number, queues, agent_id)
    looked_at = config.outbound[: config.outbound.index(rule) + 1] if rule else config.outbound
    trunks = trunks_in_order(config, rule, "", Random(0))
    ways = tuple((trunk, apply_rules(trunk.dial_rules, number)) for trunk in trunks)
    listed = (not_to_be_called(config, dialled, at) for dialled in (number, *(digits for _, digits in ways[:1])))
    return Outcome(
        number=number,
        listed=next(filter(None, listed), ""),
        rule=rule,
        ways=ways,
        seen=tuple((one, misses(one, number, queues, agent_id)) for one in looked_at),
    )
