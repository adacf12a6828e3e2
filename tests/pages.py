"""What tests of the business pages share: made-up calls and recordings, a worker that answers, signed-in browsers."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from flask.testing import FlaskClient
from sqlalchemy import select

from cti.bus.memory import MemoryBus
from cti.store import audio
from cti.store.models import Agent, AuditEntry, Call, CallLeg, Recording, RecordingState, utc_now
from tests.fakes.site import Site

HOSTILE = "<script>alert('1')</script>\"'&{{7*7}} 😀 " + "长" * 40
FRAGMENT = {"HX-Request": "true"}


class FakeWorker:
    """Answers ``cy.cmd.worker``; ``asked`` are the operations it got, ``refuse`` those it says no to."""

    def __init__(self, site: Site) -> None:
        self.asked: list[str] = []
        self.refuse: set[str] = set()
        self._bus = MemoryBus(site.engine.broker)
        self._loop = site.engine.loop
        assert self._loop is not None
        asyncio.run_coroutine_threadsafe(self._open(), self._loop).result(5)

    async def _open(self) -> None:
        await self._bus.start()
        await self._bus.serve("cy.cmd.worker", self._answer)

    async def _answer(self, payload: dict[str, Any]) -> dict[str, Any]:
        self.asked.append(payload["op"])
        if payload["op"] in self.refuse:
            return {"ok": False, "error": "switch.refused", "params": {}, "message": "pjsip.conf line 3"}
        return {"ok": True}

    def close(self) -> None:
        assert self._loop is not None
        asyncio.run_coroutine_threadsafe(self._bus.stop(), self._loop).result(5)


def trunk_form(**changes: Any) -> dict[str, Any]:
    """What the browser sends for a new trunk that is known by its address."""
    return {
        "id": "demo",
        "name": "Demo",
        "host": "sip.example.com",
        "port": "5060",
        "transport": "udp",
        "expiry": "300",
        "codec_1": "alaw",
        "codec_2": "ulaw",
        "codec_3": "",
        "dtmf": "rfc2833",
        "max_channels": "0",
        "ping": "y",
        "did_from": "request",
        "caller_id": "fixed",
        "caller_in": "both",
        "active": "y",
    } | changes


def browser(site: Site, username: str) -> FlaskClient:
    """A client signed in as ``username``, kept for the life of the site; each sign-in costs an argon2 check."""
    site.app.config["WTF_CSRF_ENABLED"] = False
    kept: dict[str, FlaskClient] = site.__dict__.setdefault("browsers", {})
    if username not in kept:
        kept[username] = site.client(username)
    return kept[username]


def agent_id(site: Site, number: str) -> str:
    with site.sessions() as session:
        return session.scalars(select(Agent.id).where(Agent.number == number)).one()


def make_call(
    site: Site,
    call_id: str,
    *,
    number: str = "+8619900000001",
    agent: str = "1001",
    ago: float = 600,
    talked: float = 60,
    **values: Any,
) -> str:
    """An inbound call ``ago`` seconds back, answered by ``agent`` (empty: abandoned), with its legs."""
    began: datetime = utc_now() - timedelta(seconds=ago)
    answered = began + timedelta(seconds=5) if agent else None
    ended = (answered or began) + timedelta(seconds=talked)
    by = agent_id(site, agent) if agent else ""
    row: dict[str, Any] = {
        "id": call_id,
        "version": 6,
        "direction": "inbound",
        "ani": number,
        "dnis": "8000",
        "number": number,
        "queue_id": "orders",
        "agent_id": by,
        "created_at": began,
        "queued_at": began,
        "answered_at": answered,
        "ended_at": ended,
        "cause": "normal",
        "ended_by": "customer",
        "document": {},
    } | values
    legs = [CallLeg(id=f"{call_id}-c", call_id=call_id, kind="customer", number=number, created_at=began)]
    legs[0].answered_at, legs[0].ended_at = began, ended
    if agent:
        leg = CallLeg(id=f"{call_id}-a", call_id=call_id, position=1, kind="agent", number=agent, created_at=began)
        leg.agent_id, leg.answered_at, leg.ended_at = by, answered, ended
        legs.append(leg)
    with site.sessions() as session:
        session.add(Call(**row))
        session.flush()
        session.add_all(legs)
        session.commit()
    return call_id


def make_recording(site: Site, call_id: str, agent: str = "1001", *, ready: bool = True, sound: bool = True) -> str:
    """A recording of the call, with two seconds of sound in its file unless ``sound`` is false."""
    name = f"2026/11/21/{call_id}-1.wav"
    if sound:
        tones = [np.sin(2 * np.pi * hertz * np.arange(16_000) / 8000) * 9000 for hertz in (440, 880)]
        raw = site.settings.var / f"{call_id}.raw"
        raw.write_bytes(np.stack(tones, 1).astype("<i2").tobytes())
        audio.convert(raw, Path(site.settings.recordings_dir) / name)
    recording = Recording(
        id=f"{call_id}-r",
        call_id=call_id,
        agent_id=agent_id(site, agent),
        file=name,
        started_at=utc_now(),
        duration=2.0,
        state=RecordingState.READY if ready else RecordingState.PENDING,
    )
    with site.sessions() as session:
        session.add(recording)
        session.commit()
    return f"{call_id}-r"


def audited(site: Site, action: str) -> list[AuditEntry]:
    with site.sessions() as session:
        return list(session.scalars(select(AuditEntry).where(AuditEntry.action == action).order_by(AuditEntry.id)))


def statuses(site: Site, method: str, path: str, data: dict[str, Any] | None = None) -> dict[str, int]:
    """What each role, and nobody, is answered."""
    found = {}
    for username in ("", "agent2", "supervisor", "admin"):
        found[username or "nobody"] = (
            browser(site, username).open(path, method=method, data=data, buffered=True).status_code
        )
    return found


def form_error(page: str, field: str) -> bool:
    """The page names ``field`` as wrong."""
    return "is-invalid" in page and f'name="{field}"' in page


def body(client: FlaskClient, path: str, **headers: str) -> str:
    answer = client.get(path, headers=headers or None)
    assert answer.status_code == 200, (path, answer.status_code, answer.text[:300])
    return str(answer.text)
