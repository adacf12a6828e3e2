"""Tells open pages that tickets have changed: at once what this site did, every few seconds what the worker did."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from cti.store.models import Ticket, TicketState
from webui.common.hub import EventHub


def tell(hub: EventHub, *, urgent: bool = False) -> None:
    """``urgent``: a new ticket that should not wait. Nothing of the ticket itself is sent: pages ask for their own."""
    hub.tell("ticket", {"urgent": urgent})


def look(hub: EventHub, session: Session, since: datetime, until: datetime) -> None:
    """Tell what was written into the database after ``since``."""
    changed = select(func.count()).where(Ticket.changed_at > since, Ticket.changed_at <= until)
    if session.scalar(changed):
        new = (Ticket.first_at > since, Ticket.urgent, Ticket.state == TicketState.OPEN)
        tell(hub, urgent=bool(session.scalar(select(func.count()).where(*new))))
