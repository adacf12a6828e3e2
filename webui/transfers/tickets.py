"""Callback tickets out of a file: people to call back. Who is on the list already is completed, as in the pages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flask_babel import gettext as _
from flask_login import current_user
from sqlalchemy import select
from sqlalchemy.orm import Session

from cti.store import callbacks, custom
from cti.store.models import Queue, Ticket, TicketState, utc_now
from webui.common import audit, db
from webui.common.permissions import Permission
from webui.customers.forms import changes
from webui.followup.access import queue_ids, sees_ticket
from webui.transfers.orders import own_values

PLAIN = ("name", "other", "note", "urgent")


class TicketImporter:
    permission = Permission.FOLLOWUP_USE
    modes: tuple[str, ...] = ("skip", "update")

    def __init__(self) -> None:
        self._queues: dict[str, str] = {}

    def keys(self, values: Mapping[str, Any]) -> tuple[Any, ...]:
        return ((values["number"], str(values.get("queue") or "").lower()),)

    def find(self, session: Session, rows: Sequence[Mapping[str, Any]]) -> dict[Any, Any]:
        names = {queue_id: name.lower() for queue_id, name in session.execute(select(Queue.id, Queue.name))}
        self._queues = {name: queue_id for queue_id, name in names.items()}
        numbers = {values["number"] for values in rows}
        held = select(Ticket).where(Ticket.number.in_(numbers), Ticket.state == TicketState.OPEN)
        return {(ticket.number, names.get(ticket.queue_id, "")): ticket for ticket in session.scalars(held)}

    def wrong(self, session: Session, values: Mapping[str, Any], present: Any) -> str:
        queue = str(values.get("queue") or "").lower()
        if queue and queue not in self._queues:
            return _("There is no queue “%(name)s”.", name=values["queue"])
        own = queue_ids(session)
        if queue and own is not None and self._queues[queue] not in own:
            return _("You do not work for the queue “%(name)s”.", name=values["queue"])
        if present is not None and not sees_ticket(session, present):
            return _("This number is on the list already, with somebody whose tickets you may not see.")
        if (values.get("first_at") or utc_now()) > utc_now():
            return _("The time is in the future.")
        return ""

    def make(self, session: Session, values: Mapping[str, Any]) -> Ticket:
        queue = self._queues.get(str(values.get("queue") or "").lower(), "")
        plain = {name: values[name] for name in PLAIN if values.get(name)}
        wanted = callbacks.Wanted(values["number"], queue, custom=own_values(values), **plain)
        ticket = callbacks.add(session, wanted, current_user.id, utc_now())
        ticket.first_at = values.get("first_at") or ticket.first_at
        return ticket

    def made(self, row: Ticket) -> None:
        audit.record("ticket.create", f"ticket/{row.id}", None, {"urgent": row.urgent, "new": True})

    def change(self, session: Session, present: Ticket, values: Mapping[str, Any]) -> None:
        before = document(present)
        for name in PLAIN:
            if values.get(name) is not None:
                setattr(present, name, values[name])
        present.custom = custom.taken(present.custom, own_values(values))
        told = changes(before, document(present))
        if told[1]:
            audit.record("ticket.change", f"ticket/{present.id}", *told)
            db.session().flush()


def document(ticket: Ticket) -> dict[str, Any]:
    return {name: getattr(ticket, name) for name in PLAIN} | {"custom": dict(ticket.custom or {})}
