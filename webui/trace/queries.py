"""What the operation log is read with: its messages from the bus, names and calls from the database."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from cti.bus.base import BusDown, Traced
from cti.domain.errors import EngineUnavailable
from cti.store.models import Call, CallLeg
from webui.calls import queries as calls
from webui.calls.forms import Filters
from webui.common import labels
from webui.common.bus import bus
from webui.common.i18n import current_locale
from webui.common.paging import page
from webui.common.phones import may_see, shown
from webui.floor.queries import reasons
from webui.trace.words import People

MOST = 5_000  # messages of one call
DEADLINE = 3.0
FOUND = 30  # calls


def read(subject: str, since: float = 0.0, limit: int = MOST) -> list[Traced]:
    """Raises ``EngineUnavailable``: nobody can say."""
    try:
        return bus().traced(f"cy.trace.{subject}", since=since, limit=limit, timeout=DEADLINE)
    except BusDown as error:
        raise EngineUnavailable(str(error)) from error


def people(session: Session, legs: Sequence[CallLeg] = ()) -> People:
    """Names of agents and of these legs; a second leg of the same name has a number."""
    agents = calls.names(session)
    named: dict[str, str] = {}
    for leg in legs:
        whose = agents.get(leg.agent_id) or shown(leg.number)
        name = f"{labels.label(leg.kind, 'leg_kind')} {whose}".strip()
        same = sum(other == name or other.startswith(f"{name} (") for other in named.values())
        named[leg.channel] = f"{name} ({same + 1})" if same else name
    return People(agents, named, may_see(), reasons(session, current_locale()))


def calls_of(
    session: Session, filters: Filters, own: Collection[str] | None, channel: str, oldest: datetime
) -> Sequence[Any]:
    """The newest calls that fit, as ``calls.queries.listing``; with a channel those that it was a leg of.

    A channel that we made names its leg. Others are looked for among the calls since ``oldest``: nothing older is in
    the log, and no index is needed.
    """
    if not channel:
        return calls.listing(session, filters, own, "", FOUND).rows
    ours = channel.removeprefix("cy-")
    legs = select(CallLeg.call_id).where(CallLeg.id == ours if ours != channel else CallLeg.channel == channel)
    query = calls.rows().where(Call.id.in_(legs), Call.created_at >= oldest)
    if own is not None:
        query = query.where(Call.id.in_(select(CallLeg.call_id).where(CallLeg.agent_id.in_(sorted(own)))))
    return page(session, query, (Call.created_at, Call.id), "", lambda r: (r[0].created_at, r[0].id), FOUND).rows
