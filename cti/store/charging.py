"""Call charges from the ledger of calls by tariff: per trunk, agent and department. Computed when asked for.

What is charged: what we dialled, that is the customer's leg of a call out and every leg to a number outside, from its
answer to its end.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from math import ceil

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import Session

from cti.domain.tariffs import Rate, charge, choose
from cti.store.models import Agent, Call, CallLeg, Department, Tariff, User


@dataclass
class Cost:
    """``amount`` in ten-thousandths of the currency; ``unpriced``: legs for which there is no tariff."""

    name: str
    legs: int = 0
    seconds: int = 0
    amount: int = 0
    unpriced: int = 0

    def add(self, seconds: float, amount: int | None) -> None:
        self.legs += 1
        self.seconds += ceil(seconds)
        self.amount += amount or 0
        self.unpriced += amount is None


@dataclass
class Charges:
    whole: Cost = field(default_factory=lambda: Cost(""))
    trunks: dict[str, Cost] = field(default_factory=dict)
    agents: dict[str, Cost] = field(default_factory=dict)
    departments: dict[str, Cost] = field(default_factory=dict)


def rates(session: Session) -> list[Rate]:
    found = session.scalars(select(Tariff).order_by(Tariff.prefix, Tariff.since))
    return [Rate(t.prefix, t.since, t.unit_seconds, t.price, t.setup, t.trunk, t.name) for t in found]


def charges(session: Session, since: datetime, until: datetime, zone: tzinfo) -> Charges:
    """Calls that began in the time; a tariff's first day is a day in ``zone``."""
    known, summed, people = rates(session), Charges(), talkers(session)
    query = (
        select(
            Call.trunk, Call.agent_id, CallLeg.agent_id, CallLeg.number, CallLeg.answered_at, CallLeg.ended_at,
            Call.number, CallLeg.kind,
        )
        .join(CallLeg, CallLeg.call_id == Call.id)
        .where(*charged(since, until))
    )  # fmt: skip
    for trunk, call_agent, leg_agent, number, answered, ended, called, kind in session.execute(query):
        if answered is None or ended is None:
            continue
        dialled = called if kind == "customer" else number
        seconds, amount = priced(known, dialled, trunk, answered, ended, zone)
        agent, department = people.get(leg_agent or call_agent, ("", ""))
        for costs, name in ((summed.trunks, trunk), (summed.agents, agent), (summed.departments, department)):
            costs.setdefault(name, Cost(name)).add(seconds, amount)
        summed.whole.add(seconds, amount)
    return summed


def charged(since: datetime, until: datetime) -> tuple[ColumnElement[bool], ...]:
    """Which legs of calls are: conditions for a query that joins both."""
    return (
        Call.created_at >= since,
        Call.created_at < until,
        CallLeg.answered_at.is_not(None),
        CallLeg.ended_at.is_not(None),
        or_(CallLeg.kind == "outside", and_(CallLeg.kind == "customer", Call.direction == "outbound")),
    )


def priced(
    known: Sequence[Rate], dialled: str, trunk: str, answered: datetime, ended: datetime, zone: tzinfo
) -> tuple[float, int | None]:
    """Seconds, and the amount in ten-thousandths of the currency; none without a tariff."""
    seconds = max(0.0, (ended - answered).total_seconds())
    rate = choose(known, dialled, trunk, answered.astimezone(zone).date())
    return seconds, charge(rate, seconds) if rate else None


def talkers(session: Session) -> dict[str, tuple[str, str]]:
    """Agent id → the user's name and department."""
    query = (
        select(Agent.id, User.name, Department.name)
        .select_from(Agent)
        .join(User, User.id == Agent.user_id)
        .outerjoin(Department, Department.id == User.department_id)
    )
    return {agent_id: (name, department or "") for agent_id, name, department in session.execute(query)}


def sorted_costs(costs: dict[str, Cost]) -> Sequence[Cost]:
    """The dearest first."""
    return sorted(costs.values(), key=lambda cost: (-cost.amount, cost.name))
