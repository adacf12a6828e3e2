"""What would happen to a call: the engine's own decision over the configuration as the database has it now.

Must not know requests or words; the template says them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import tzinfo

from sqlalchemy.orm import Session

from cti.domain.config.centre import CentreConfig
from cti.domain.config.routes import InboundRule
from cti.domain.phones import normalise
from cti.domain.trunks import DidFrom, apply_rules, read_rules
from cti.services.rules import Step, decide
from cti.store.config import build_config
from cti.store.models import Trunk


@dataclass(frozen=True, slots=True)
class Seen:
    """A rule that was looked at, and the name of its calendar."""

    step: Step
    rule: InboundRule
    calendar: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """A call from ``caller`` to ``number`` at ``at``, as it arrives after the trunk's own rules.

    ``goal`` is ``kind:id``, empty for a number that is not in use. ``lists`` are those that the caller is on.
    """

    caller: str
    number: str
    shown: str
    reached: str
    at: float
    goal: str
    say: str
    priority: int
    seen: tuple[Seen, ...]
    lists: tuple[str, ...]

    @property
    def taken(self) -> bool:
        return any(seen.step.took for seen in self.seen)


def ask(session: Session, *, caller: str, number: str, trunk: Trunk | None, at: float, zone: tzinfo) -> Outcome:
    config, shown, reached = build_config(session), caller, number
    if trunk is not None:
        dialled = trunk.did_fixed if trunk.did_from is DidFrom.FIXED else number
        reached = apply_rules(read_rules(trunk.did_rules), dialled)
        shown = apply_rules(read_rules(trunk.caller_rules), caller)
    decision = decide(config, reached, shown, at, zone, trunk.id if trunk is not None else "")
    target = decision.target
    known = normalise(shown)
    return Outcome(
        caller=caller,
        number=number,
        shown=shown,
        reached=reached,
        at=at,
        goal=f"{target.kind.value}:{target.id}" if target is not None else "",
        say=decision.say,
        priority=decision.priority,
        seen=tuple(_seen(config, step) for step in decision.steps),
        lists=tuple(kept.name for kept in config.lists if kept.holds(known, at)),
    )


def _seen(config: CentreConfig, step: Step) -> Seen:
    rule = next(rule for rule in config.inbound if rule.id == step.rule_id)
    return Seen(step, rule, next((c.name for c in config.calendars if c.id == rule.calendar), ""))
