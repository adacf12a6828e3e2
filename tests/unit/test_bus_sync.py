"""The synchronous face of the bus, from threads, over a real NATS server."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cti.bus import sync
from cti.bus.nats import NatsBus
from cti.bus.sync import SyncBus
from cti.domain.config.centre import CentreConfig
from cti.domain.errors import EngineUnavailable
from tests.nats_server import NatsServer


@pytest.fixture
def server(tmp_path: Path) -> Iterator[NatsServer]:
    made = NatsServer(tmp_path)
    made.start()
    yield made
    made.stop()


@pytest.fixture
def engine(server: NatsServer) -> Iterator[SyncBus]:
    """The other side: answers with what it hears."""
    bus = SyncBus(server.url, server.token)

    async def answer(payload: dict[str, Any]) -> dict[str, Any]:
        return {"ok": True, "heard": payload}

    bus._call(lambda inner: inner.serve("cy.cmd.agent", answer), 5.0)
    wait_for(lambda: bus.connected)
    yield bus
    bus.close()


@pytest.fixture
def web(server: NatsServer) -> Iterator[SyncBus]:
    bus = SyncBus(server.url, server.token)
    wait_for(lambda: bus.connected)
    yield bus
    bus.close()


def wait_for(condition: Any, deadline: float = 5.0) -> None:
    end = time.monotonic() + deadline
    while not condition():
        assert time.monotonic() < end, "the condition never came"
        time.sleep(0.005)


def test_many_threads_ask_at_once(engine: SyncBus, web: SyncBus) -> None:
    answers: list[int] = []

    def ask(n: int) -> None:
        answers.append(web.request("cy.cmd.agent", {"n": n})["heard"]["n"])

    threads = [threading.Thread(target=ask, args=(n,)) for n in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(5)
    assert sorted(answers) == list(range(40))


def test_events_reach_a_thread_that_waits(engine: SyncBus, web: SyncBus) -> None:
    with web.subscribe("cy.evt.agent.*") as events:
        engine.publish("cy.evt.agent.a1", {"state": "ready"})
        event = events.get(5.0)
        assert event is not None
        assert (event.subject, event.payload) == ("cy.evt.agent.a1", {"state": "ready"})
        assert events.get(0.01) is None
        assert not events.take_gap()


def test_a_reader_learns_of_a_gap_after_the_bus_was_away(server: NatsServer, engine: SyncBus, web: SyncBus) -> None:
    with web.subscribe("cy.evt.>") as events:
        server.stop(hard=True)
        wait_for(lambda: not web.connected)
        with pytest.raises(EngineUnavailable):
            web.request("cy.cmd.agent", {}, timeout=0.1)
        server.start()
        assert events.get(5.0) is None
        assert events.take_gap()
        assert not events.take_gap()
        wait_for(lambda: engine.connected)
        assert web.request("cy.cmd.agent", {"n": 1})["ok"]
        engine.publish("cy.evt.centre", {"n": 2})
        event = events.get(5.0)
        assert event is not None
        assert event.payload == {"n": 2}


def test_a_reader_that_is_too_slow_is_told(engine: SyncBus, web: SyncBus, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sync, "QUEUE_LIMIT", 5)
    with web.subscribe("cy.evt.centre") as events, web.subscribe("cy.evt.centre") as fast:
        for n in range(12):
            engine.publish("cy.evt.centre", {"n": n})
            assert fast.get(5.0) is not None
        assert events.get(1.0) is None
        assert events.take_gap()
        last = None
        while (event := events.get(0.05)) is not None:
            last = event.payload["n"]
        assert last == 11


def test_closing_a_subscription_frees_a_waiting_thread(web: SyncBus) -> None:
    events = web.subscribe("cy.evt.centre")
    done = threading.Event()

    def wait() -> None:
        assert events.get(30.0) is None
        done.set()

    threading.Thread(target=wait, daemon=True).start()
    events.close()
    assert done.wait(5.0)


def test_the_configuration_reaches_the_engine(server: NatsServer, web: SyncBus) -> None:
    web.put_config(CentreConfig(version=3).to_document())
    reader = SyncBus(make_bus=lambda: NatsBus(server.url, server.token))
    document = reader._call(lambda bus: bus.kv_get("cy_config", "centre"), 5.0)
    assert document is not None
    assert CentreConfig.from_document(document).version == 3
    reader.close()


def test_a_closed_bus_says_so(server: NatsServer) -> None:
    bus = SyncBus(server.url, server.token)
    bus.close()
    with pytest.raises(EngineUnavailable):
        bus.request("cy.cmd.agent", {})
