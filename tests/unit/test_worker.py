"""The worker whole: events from the bus into a real database that fails and comes back, and nothing is lost."""

from __future__ import annotations

import asyncio
import json
import threading
import time
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

import cti.store.worker
from cti.bus.base import LEASE_SECONDS, Bus
from cti.bus.memory import MemoryBroker, MemoryBus
from cti.bus.nats import NatsBus
from cti.domain.config.centre import CentreConfig
from cti.status import serve_status
from cti.store import demo
from cti.store.database import make_engine, make_session_factory
from cti.store.events import parse
from cti.store.models import AgentStretch, Call, CallLeg, DeadLetter, Queue, Recording, RecordingState
from cti.store.recordings import Finaliser
from cti.store.setup import migrate
from cti.store.switchdata import SwitchRows
from cti.store.worker import Worker
from cti.store.writer import write
from tests.ledger import call_event, recording_event, stretch_event
from tests.nats_server import NatsServer
from tests.ports import free_port
from tests.stores import Store, new_postgres
from tests.unit.test_store_recordings import write_raw


class Rig:
    """A worker on a bus in memory, and the engine's bus beside it."""

    def __init__(self, store: Store, folder: Path, broker: MemoryBroker | None = None) -> None:
        self.store = store
        self.broker = broker or MemoryBroker()
        self.engine: Bus = MemoryBus(self.broker)
        self.applied: list[SwitchRows] = []
        self.worker = self.make_worker(MemoryBus(self.broker), store, folder)
        self.folder = folder

    def make_worker(self, bus: Any, store: Store, folder: Path) -> Worker:
        finaliser = Finaliser(store.sessions, folder / "spool", folder / "recordings")
        return Worker(bus, store.sessions, finaliser, apply_switch=self.applied.append)

    def publish(self, *events: tuple[str, str, dict[str, Any]]) -> None:
        for event in events:
            self.engine.publish_durable(*event)

    def count(self, model: Any) -> int:
        with self.store.sessions() as session:
            return session.scalar(select(func.count()).select_from(model)) or 0

    async def pending(self) -> int:
        return await self.engine.consumer("worker").pending()


@asynccontextmanager
async def running(worker: Worker) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(worker.run())
    try:
        yield task
    finally:
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


@pytest.fixture
async def rig(store: Store, tmp_path: Path) -> AsyncIterator[Rig]:
    made = Rig(store, tmp_path)
    await made.engine.start()
    yield made
    await made.engine.stop(flush=0.1)


async def until(condition: Callable[[], object], deadline: float = 20.0) -> None:
    end = time.monotonic() + deadline
    while not await asyncio.to_thread(condition):
        assert time.monotonic() < end, "the condition never came"
        await asyncio.sleep(0.02)


async def test_events_become_rows_and_are_acknowledged(rig: Rig) -> None:
    rig.publish(*(call_event(f"c{n}", version) for n in range(20) for version in range(1, 7)))
    rig.publish(stretch_event(), recording_event("c1"))
    async with running(rig.worker):
        await until(lambda: rig.count(Call) == 20 and rig.count(AgentStretch) == 1)
        await until(lambda: not any(reader.unacked for reader in rig.broker.readers.values()))
        assert await rig.pending() == 0
    assert (rig.count(CallLeg), rig.count(Recording), rig.count(DeadLetter)) == (40, 20, 0)


async def test_bad_messages_are_buried_and_the_others_go_on(rig: Rig) -> None:
    rig.publish(call_event("c1"))
    rig.publish(("cy.log.call.bad", "bad-1", {"event": "offered", "call": {"call_id": "bad"}}))
    rig.publish(call_event("c2", 6, version=2**70))  # no database has such a number
    rig.publish(("cy.log.call.bad", "bad-2", {"call": call_event("c3", 6, legs=[{"leg_id": "x"}])[2]["call"]}))
    rig.publish(call_event("c4"))
    async with running(rig.worker):
        await until(lambda: rig.count(DeadLetter) == 3)
        await until(lambda: not any(reader.unacked for reader in rig.broker.readers.values()))
    with rig.store.sessions() as session:
        assert session.scalars(select(Call.id).order_by(Call.id)).all() == ["c1", "c4"]
        letters = session.scalars(select(DeadLetter).order_by(DeadLetter.sequence)).all()
        assert [letter.sequence for letter in letters] == [2, 3, 4]
        assert json.loads(letters[0].payload)["call"] == {"call_id": "bad"}
        assert letters[0].error
    assert rig.worker.metrics.registry.get_sample_value("callyard_worker_dead_letters_total") == 3


async def test_a_worker_that_is_killed_before_it_acknowledges_loses_nothing(rig: Rig) -> None:
    """Fetched and never acknowledged: the same events come again to the next worker."""
    rig.publish(*(call_event(f"c{n}") for n in range(10)))
    await rig.engine.flush_durable(5.0)
    taken = await rig.engine.consumer("worker").fetch(100, 1.0)
    assert len(taken) == 10
    for sequence in list(rig.broker.readers["worker"].unacked):
        rig.broker.readers["worker"].unacked[sequence] = 0.0
    async with running(rig.worker):
        await until(lambda: rig.count(Call) == 10)


async def test_a_complete_recording_is_soon_playable(rig: Rig) -> None:
    write_raw(rig.folder / "spool/2026/11/21/c1-1.raw", 2.0)
    async with running(rig.worker):
        rig.publish(call_event("c1"), recording_event("c1"))

        def ready() -> bool:
            with rig.store.sessions() as session:
                row = session.get(Recording, "c1-r1")
                return row is not None and row.state is RecordingState.READY

        await until(ready)
    assert (rig.folder / "recordings/2026/11/21/c1-1.wav").exists()
    assert not (rig.folder / "spool/2026/11/21/c1-1.raw").exists()


async def test_recordings_left_by_a_dead_worker_are_finished_at_the_start(rig: Rig) -> None:
    subject, _, payload = call_event("c1")
    with rig.store.sessions() as session:
        write(session, [parse(subject, json.dumps(payload).encode())])
        session.commit()
    write_raw(rig.folder / "spool/2026/11/21/c1-1.raw", 1.0)
    async with running(rig.worker):
        await until(lambda: (rig.folder / "recordings/2026/11/21/c1-1.wav").exists())


# ---------------------------------------------------------------- configuration


async def test_the_configuration_is_published_and_its_version_grows_with_changes(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(rig.store, monkeypatch)
    versions: list[int] = []
    await rig.engine.kv_watch("cy_config", lambda _key, value: versions.append(value["version"] if value else 0))
    async with running(rig.worker):
        await until(lambda: versions)
        document = await rig.engine.kv_get("cy_config", "centre")
        assert document is not None
        assert len(CentreConfig.from_document(document).agents) == 6
        same = await rig.engine.request("cy.cmd.worker", {"op": "publish_config"})
        assert same == {"ok": True, "version": versions[0]}
        with rig.store.sessions() as session:
            session.scalars(select(Queue)).first().wrapup = 99.0  # type: ignore[union-attr]
            session.commit()
        changed = await rig.engine.request("cy.cmd.worker", {"op": "publish_config"})
        assert changed["version"] > versions[0]
        assert versions[-1] == changed["version"]


async def test_the_switch_is_configured_on_request(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(rig.store, monkeypatch)
    async with running(rig.worker):
        await until(lambda: rig.worker.bus.connected)
        assert await ask(rig, {"op": "apply_switch"}) == {"ok": True}
        assert [agent["number"] for agent in rig.applied[0]["agents"]] == [*map(str, range(1001, 1006)), "1100"]

        def refuse(_rows: SwitchRows) -> None:
            raise RuntimeError("the switch is not there")

        rig.worker.publisher.apply_switch = refuse
        assert (await ask(rig, {"op": "apply_switch"}))["ok"] is False
        assert (await ask(rig, {"op": "format_disk"}))["error"] == "request.bad"


async def test_who_served_a_customer_is_answered_while_other_work_is_under_way(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(rig.store, monkeypatch)
    holding, go_on = threading.Event(), threading.Event()

    def hold(_rows: SwitchRows) -> None:
        holding.set()
        go_on.wait(10)

    with rig.store.sessions() as session:
        session.add(
            Call(
                id="c1",
                version=1,
                direction="inbound",
                number="+8613800138000",
                queue_id="orders",
                agent_id="a1",
                created_at=datetime.now(UTC),
                document={},
            )
        )
        session.commit()
    question = {"op": "last_agent", "number": "13800138000", "queue_id": "orders", "days": 1}
    async with running(rig.worker):
        await ask(rig, {"op": "publish_config"})
        rig.worker.publisher.read = lambda query: rig.worker._in_thread("jobs", lambda: hold([]))  # type: ignore[arg-type]
        slow = asyncio.create_task(ask(rig, {"op": "publish_config"}))
        await asyncio.to_thread(holding.wait, 10)
        try:
            assert await ask(rig, question) == {"ok": True, "agent_id": "a1"}
            tried = {"op": "retry", "number": "13800138000", "within": 60, "short": 5}
            assert await ask(rig, tried) == {"ok": True, "retry": False}
            assert await ask(rig, {"op": "points", "number": "13800138000"}) == {"ok": True, "members": []}
            assert (await ask(rig, {"op": "points"}))["error"] == "request.bad"
        finally:
            go_on.set()
            await slow


def fill(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Demo data, without the time that real password hashes take."""
    monkeypatch.setattr(demo, "hash_password", lambda password: password[:1])
    with store.sessions() as session:
        demo.fill(session)


async def ask(rig: Rig, request: dict[str, Any]) -> dict[str, Any]:
    """As soon as the worker serves."""
    end = time.monotonic() + 10
    while "cy.cmd.worker" not in {subject for bus in rig.broker.buses for subject in bus._serving}:
        assert time.monotonic() < end
        await asyncio.sleep(0.01)
    return await rig.engine.request("cy.cmd.worker", request, 10.0)


# ---------------------------------------------------------------- several workers, health


async def test_of_two_workers_one_works_and_the_other_takes_over(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cti.store.worker, "LEASE_RENEW", 0.1)
    broker = MemoryBroker(clock=lambda: time.monotonic() + shift)
    shift = 0.0
    rig = Rig(store, tmp_path, broker)
    await rig.engine.start()
    other = rig.make_worker(MemoryBus(broker), store, tmp_path)
    active = lambda worker: worker.metrics.registry.get_sample_value("callyard_worker_active")  # noqa: E731
    async with running(other):
        async with running(rig.worker):
            await until(lambda: active(other) == 1.0)
            assert active(rig.worker) == 0.0
        async with running(rig.worker) as task:
            broker.leases["worker"] = ("a third", time.monotonic() + LEASE_SECONDS)
            await until(lambda: active(other) == 0.0)
            shift = LEASE_SECONDS + 1
            await until(lambda: active(other) + active(rig.worker) == 1.0)
            assert not task.done()
    await rig.engine.stop()


async def test_health_says_what_is_down(rig: Rig) -> None:
    port = free_port()
    end = serve_status("127.0.0.1", port, rig.worker.metrics.registry, rig.worker.health)

    def get(path: str) -> tuple[int, str]:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as response:
                return response.status, response.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    async with running(rig.worker):
        await until(lambda: get("/healthz") == (200, '{"ok": true, "bus": true, "database": true}'))
        assert "callyard_worker_database_up" in (await asyncio.to_thread(get, "/metrics"))[1]
        assert (await asyncio.to_thread(get, "/secret"))[0] == 404
        rig.broker.cut()
        assert await asyncio.to_thread(get, "/healthz") == (503, '{"ok": false, "bus": false, "database": true}')
        rig.broker.restore()
    end()


# ---------------------------------------------------------------- the real bus, the real database, both failing


async def test_a_database_that_goes_away_and_comes_back_loses_no_call(tmp_path: Path) -> None:
    server = await asyncio.to_thread(new_postgres)
    await asyncio.to_thread(server.start)
    nats = NatsServer(tmp_path / "nats")
    await asyncio.to_thread(nats.start)
    url = await asyncio.to_thread(server.new_database)
    await asyncio.to_thread(migrate, url)
    engine = make_engine(url, connect_timeout=2)
    sessions = make_session_factory(engine)
    publisher = NatsBus(nats.url, nats.token)
    await publisher.start()
    worker = Worker(
        NatsBus(nats.url, nats.token), sessions, Finaliser(sessions, tmp_path / "spool", tmp_path / "recordings")
    )
    published = 0

    def publish(count: int) -> None:
        nonlocal published
        for n in range(published, published + count):
            for version in (1, 3, 6):
                publisher.publish_durable(*call_event(f"c{n}", version))
        published += count

    def stored() -> list[str]:
        with sessions() as session:
            return list(session.scalars(select(Call.id).where(Call.version == 6)))

    try:
        async with running(worker):
            publish(100)
            await until(lambda: len(stored()) == 100)
            await asyncio.to_thread(server.stop)
            publish(150)
            await until(lambda: not worker.intake.database_up)
            assert worker.health() == {"ok": False, "bus": True, "database": False}
            nats.stop(hard=True)
            publish(50)
            await asyncio.to_thread(nats.start)
            assert await publisher.flush_durable(10.0)
            await asyncio.to_thread(server.start)
            await until(lambda: worker.intake.database_up and len(stored()) == 300, 40.0)
            assert sorted(stored()) == sorted(f"c{n}" for n in range(300))
            publish(10)
            await until(lambda: len(stored()) == 310)
            assert worker.health()["ok"]
    finally:
        await publisher.stop()
        nats.stop()
        engine.dispose()
        await asyncio.to_thread(server.stop)
        server.remove()


async def test_a_database_without_tables_holds_events_back_until_it_has_them(empty_url: str, tmp_path: Path) -> None:
    engine = make_engine(empty_url)
    rig = Rig(Store(empty_url, engine, make_session_factory(engine)), tmp_path)
    await rig.engine.start()
    rig.publish(call_event("c1"))
    async with running(rig.worker):
        await until(lambda: not rig.worker.intake.database_up)
        await asyncio.to_thread(migrate, empty_url)
        await until(lambda: rig.count(Call) == 1)
    assert rig.count(DeadLetter) == 0
    await rig.engine.stop()
    engine.dispose()


def test_a_locked_sqlite_file_is_waited_for(tmp_path: Path) -> None:
    """A page that holds the write lock for a moment does not make the worker fail."""
    url = f"sqlite:///{tmp_path / 'callyard.db'}"
    migrate(url)
    engine = make_engine(url)
    first, second = Session(engine), Session(engine)
    first.execute(text("INSERT INTO settings (key, value, changed_by) VALUES ('a', '1', '')"))

    async def both() -> None:
        waiting = asyncio.create_task(asyncio.to_thread(_insert, second))
        await asyncio.sleep(0)
        first.commit()
        await waiting

    asyncio.run(both())
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM settings")) == 2
    first.close()
    second.close()
    engine.dispose()


def _insert(session: Session) -> None:
    session.execute(text("INSERT INTO settings (key, value, changed_by) VALUES ('b', '2', '')"))
    session.commit()
