"""What the switch's own configuration needs from the database: phones and trunks, with their secrets."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from cti.store.models import Agent, Trunk, User

SwitchRows = dict[str, list[dict[str, Any]]]
TRUNK_FIELDS = (
    "id",
    "name",
    "host",
    "port",
    "transport",
    "outbound_proxy",
    "username",
    "secret",
    "register",
    "auth_user",
    "realm",
    "expiry",
    "codecs",
    "dtmf",
    "ping",
    "sources",
    "did_from",
    "did_fixed",
    "caller_in",
    "switches",
)


def load_switch_rows(session: Session) -> SwitchRows:
    """``{"agents": [{number, name, sip_secret, web_secret}], "trunks": [{id, name, host, port, …}]}``, active ones."""
    agents = session.scalars(select(Agent).join(Agent.user).where(User.active.is_(True)).order_by(Agent.number))
    trunks = session.scalars(select(Trunk).where(Trunk.active.is_(True)).order_by(Trunk.id))
    return {
        "agents": [
            {"number": a.number, "name": a.user.name, "sip_secret": a.sip_secret, "web_secret": a.web_secret}
            for a in agents
        ],
        "trunks": [{field: getattr(trunk, field) for field in TRUNK_FIELDS} for trunk in trunks],
    }
