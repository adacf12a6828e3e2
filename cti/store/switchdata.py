"""What the switch's own configuration needs from the database: phones and trunks, with their secrets."""

from __future__ import annotations

from collections.abc import Container
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from cti.store.models import Agent, Trunk, User, VoiceBoard

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
    """``{"agents": [{number, name, sip_secret, web_secret}], "trunks": [{id, name, host, port, …}]}``, active ones, and
    ``"dahdi": [{board, hunt, spans, lines: [{line, dialed, device, blocked}]}]``; its devices are active agents'."""
    agents = session.scalars(select(Agent).join(Agent.user).where(User.active.is_(True)).order_by(Agent.number)).all()
    trunks = session.scalars(select(Trunk).where(Trunk.active.is_(True)).order_by(Trunk.id))
    boards = session.scalars(select(VoiceBoard).order_by(VoiceBoard.name))
    numbers = {agent.number for agent in agents}
    return {
        "dahdi": [_board(board, numbers) for board in boards if board.spans],
        "agents": [
            {"number": a.number, "name": a.user.name, "sip_secret": a.sip_secret, "web_secret": a.web_secret}
            for a in agents
        ],
        "trunks": [{field: getattr(trunk, field) for field in TRUNK_FIELDS} for trunk in trunks],
    }


def _board(board: VoiceBoard, numbers: Container[str]) -> dict[str, Any]:
    lines = [
        {
            "line": line.line,
            "dialed": line.dialed,
            "device": line.device if line.device in numbers else "",
            "blocked": line.blocked,
        }
        for line in board.lines
    ]
    return {"board": board.name, "hunt": board.hunt, "spans": board.spans, "lines": lines}
