"""One suite for every bus: NATS with a real server, and the twin in memory. What holds for one holds for the other."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest

from cti.bus.base import LEASE_SECONDS, BusDown, decode, encode
from cti.bus.memory import matches
from cti.bus.nats import NatsBus
from cti.domain.errors import EngineUnavailable, NotAllowedNow
from tests.nats_server import NatsServer
from tests.unit import bus_rigs
from tests.unit.bus_rigs import MemoryRig, NatsRig, Rig, until

rig = bus_rigs.rig


async def test_a_request_is_answered(rig: Rig) -> None:
    engine, web = await rig.bus(), await rig.bus()

    async def answer(payload: dict[str, Any]) -> dict[str, Any]:
        return {"ok": True, "heard": payload["名"]}

    await engine.serve("cy.cmd.agent", answer)
    assert await web.request("cy.cmd.agent", {"名": "张伟 😀"}) == {"ok": True, "heard": "张伟 😀"}


async def test_a_refusal_comes_back_with_its_code(rig: Rig) -> None:
    engine, web = await rig.bus(), await rig.bus()

    async def refuse(_payload: dict[str, Any]) -> dict[str, Any]:
        raise NotAllowedNow("in a call", state="talking")

    await engine.serve("cy.cmd.agent", refuse)
    reply = await web.request("cy.cmd.agent", {})
    assert reply == {"ok": False, "error": "agent.not_now", "params": {"state": "talking"}, "message": "in a call"}


async def test_a_slow_request_does_not_hold_up_another(rig: Rig) -> None:
    engine, web = await rig.bus(), await rig.bus()
    gate = asyncio.Event()

    async def answer(payload: dict[str, Any]) -> dict[str, Any]:
        if payload["slow"]:
            await gate.wait()
        return payload

    await engine.serve("cy.cmd.agent", answer)
    slow = asyncio.create_task(web.request("cy.cmd.agent", {"slow": True}))
    assert await web.request("cy.cmd.agent", {"slow": False}) == {"slow": False}
    assert not slow.done()
    gate.set()
    assert await slow == {"slow": True}


async def test_nobody_answers_and_the_caller_is_told_at_once(rig: Rig) -> None:
    web = await rig.bus()
    began = time.monotonic()
    with pytest.raises(EngineUnavailable):
        await web.request("cy.cmd.nobody", {}, 60.0)
    assert time.monotonic() - began < 30.0


async def test_an_answer_that_does_not_come_ends_at_the_deadline(rig: Rig) -> None:
    engine, web = await rig.bus(), await rig.bus()

    async def never(_payload: dict[str, Any]) -> dict[str, Any]:
        await asyncio.Event().wait()
        return {}

    await engine.serve("cy.cmd.agent", never)
    with pytest.raises(EngineUnavailable):
        await web.request("cy.cmd.agent", {}, 0.2)


async def test_events_arrive_in_order_and_only_those_asked_for(rig: Rig) -> None:
    engine, web = await rig.bus(), await rig.bus()
    heard: list[tuple[str, int]] = []
    undo = await web.subscribe("cy.evt.agent.*", lambda subject, doc: heard.append((subject, doc["n"])))
    for n in range(50):
        engine.publish("cy.evt.agent.a1", {"n": n})
        engine.publish("cy.evt.queue.q1", {"n": n})
    await until(lambda: len(heard) == 50)
    assert heard == [("cy.evt.agent.a1", n) for n in range(50)]
    undo()
    await asyncio.sleep(0)
    engine.publish("cy.evt.agent.a1", {"n": 99})
    engine.publish("cy.evt.agent.a1", {"n": 100})
    await until(lambda: engine.stats.events_sent >= 102)
    assert ("cy.evt.agent.a1", 100) not in heard


async def test_a_handler_that_fails_does_not_stop_the_others(rig: Rig) -> None:
    engine, web = await rig.bus(), await rig.bus()
    heard: list[int] = []

    def fragile(_subject: str, doc: dict[str, Any]) -> None:
        if doc["n"] == 0:
            raise RuntimeError("bad page")
        heard.append(doc["n"])

    await web.subscribe("cy.evt.>", fragile)
    engine.publish("cy.evt.centre", {"n": 0})
    engine.publish("cy.evt.centre", {"n": 1})
    await until(lambda: heard == [1])


async def test_keys_are_put_read_and_watched_through_a_loss(rig: Rig) -> None:
    engine, web = await rig.bus(), await rig.bus()
    await web.kv_put("cy_config", "centre", {"version": 1})
    assert await engine.kv_get("cy_config", "centre") == {"version": 1}
    assert await engine.kv_get("cy_config", "other") is None
    seen: list[int] = []
    await engine.kv_watch("cy_config", lambda _key, value: seen.append(value["version"] if value else 0))
    await until(lambda: seen == [1])
    await web.kv_put("cy_config", "centre", {"version": 2})
    await until(lambda: seen == [1, 2])
    await rig.cut()
    with pytest.raises(BusDown):
        await web.kv_put("cy_config", "centre", {"version": 3}, 0.1)
    await rig.restore()
    await until(lambda: seen[-1] == 2 and len(seen) > 2)
    await web.kv_put("cy_config", "centre", {"version": 4})
    await until(lambda: seen[-1] == 4)


async def test_the_newest_value_of_a_key_is_stored_when_the_bus_is_back(rig: Rig) -> None:
    engine = await rig.bus()
    await rig.cut()
    for n in range(5):
        engine.put_soon("cy_agents", "a1", {"n": n})
    engine.put_soon("cy_agents", "a2", {"n": 9})
    await rig.restore()
    end = time.monotonic() + 5
    while await engine.kv_all("cy_agents") != {"a1": {"n": 4}, "a2": {"n": 9}}:
        assert time.monotonic() < end
        await asyncio.sleep(0.005)


async def test_subscriptions_and_services_survive_a_loss(rig: Rig) -> None:
    engine, web = await rig.bus(), await rig.bus()
    heard: list[int] = []
    again: list[bool] = []

    async def answer(payload: dict[str, Any]) -> dict[str, Any]:
        return payload

    await engine.serve("cy.cmd.agent", answer)
    await web.subscribe("cy.evt.centre", lambda _subject, doc: heard.append(doc["n"]))
    engine.on_connected(lambda: again.append(True))
    await rig.cut()
    engine.publish("cy.evt.centre", {"n": 1})
    assert engine.stats.events_dropped >= 1
    with pytest.raises(EngineUnavailable):
        await web.request("cy.cmd.agent", {}, 0.1)
    await rig.restore()
    assert again == [True]
    engine.publish("cy.evt.centre", {"n": 2})
    await until(lambda: heard == [2])
    assert await web.request("cy.cmd.agent", {"n": 3}) == {"n": 3}


async def test_a_lease_has_one_holder(rig: Rig) -> None:
    first, second = await rig.bus(), await rig.bus()
    assert await first.hold_lease("jobs", "w1")
    assert not await second.hold_lease("jobs", "w2")
    assert await first.hold_lease("jobs", "w1")
    await first.drop_lease("jobs")
    assert await second.hold_lease("jobs", "w2")
    assert not await first.hold_lease("jobs", "w1")


async def test_a_lease_whose_holder_died_is_free_after_its_time(tmp_path: Path) -> None:
    rig = MemoryRig(tmp_path)
    first, second = await rig.bus(), await rig.bus()
    assert await first.hold_lease("jobs", "w1")
    rig.shift = LEASE_SECONDS + 1
    assert await second.hold_lease("jobs", "w2")
    assert not await first.hold_lease("jobs", "w1")
    await rig.close()


async def test_a_bus_waits_for_a_server_that_starts_later(tmp_path: Path) -> None:
    server = NatsServer(tmp_path)
    bus = NatsBus(server.url, server.token)
    await bus.start()
    bus.publish_durable("cy.log.call.c1", "c1-1", {"n": 1})
    assert not await bus.wait_connected(0.1)
    await asyncio.to_thread(server.start)
    assert await bus.wait_connected(5.0)
    assert await bus.flush_durable(5.0)
    await bus.stop()
    server.stop()


async def test_a_bus_stopped_while_it_connects_leaves_no_connection() -> None:
    came, gone = asyncio.Event(), asyncio.Event()

    async def says_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        came.set()
        await reader.read()
        gone.set()
        writer.close()

    async with await asyncio.start_server(says_nothing, "127.0.0.1", 0) as server:
        bus = NatsBus(f"nats://127.0.0.1:{server.sockets[0].getsockname()[1]}", "token")
        await bus.start()
        await asyncio.wait_for(came.wait(), 5)
        await bus.stop()
        await asyncio.wait_for(gone.wait(), 5)


async def test_a_wrong_token_never_connects(tmp_path: Path) -> None:
    server = NatsServer(tmp_path)
    await asyncio.to_thread(server.start)
    bus = NatsBus(server.url, "wrong")
    await bus.start()
    assert not await bus.wait_connected(0.5)
    await bus.stop()
    server.stop()


@pytest.mark.parametrize(
    ("pattern", "subject", "expected"),
    [
        ("cy.evt.agent.*", "cy.evt.agent.a1", True),
        ("cy.evt.agent.*", "cy.evt.agent.a1.b", False),
        ("cy.evt.>", "cy.evt.agent.a1", True),
        ("cy.evt.>", "cy.evt", False),
        ("cy.evt", "cy.evt.agent", False),
    ],
)
def test_wildcards(pattern: str, subject: str, expected: bool) -> None:
    assert matches(pattern, subject) is expected


async def test_long_use_does_not_gather_subscriptions(tmp_path: Path) -> None:
    rig = NatsRig(tmp_path)
    bus = NatsBus(rig.server.url, rig.server.token)
    rig.buses.append(bus)
    await bus.start()
    consumer = bus.consumer("reader")
    counts: list[int] = []
    for n in range(20):
        bus.publish_durable("cy.log.call.c1", f"c1-{n}", {"n": n})
        assert await bus.flush_durable(5.0)
        await consumer.fetch(1, 1.0)
        await bus.kv_put("cy_config", "centre", {"n": n})
        await bus.kv_all("cy_config")
        assert await bus.hold_lease("jobs", "w1")
        assert bus._client is not None
        counts.append(len(bus._client._subs))
    assert max(counts[5:]) == counts[4]
    await rig.close()


def test_documents_hold_any_text_and_no_number_that_json_has_not() -> None:
    assert decode(encode({"name": "张三 \ud800"})) == {"name": "张三 ?"}
    assert encode({"seconds": float("nan")}) == b'{"seconds":null}'
    with pytest.raises(TypeError):
        encode({"what": object()})


async def test_what_was_stored_just_before_the_end_is_there(rig: Rig) -> None:
    engine, next_engine = await rig.bus(), await rig.bus()
    engine.put_soon("cy_agents", "a1", {"state": "loggedOff"})
    engine.put_soon("cy_agents", "a2", {"state": "ready"})
    await engine.stop()
    assert await next_engine.kv_all("cy_agents") == {"a1": {"state": "loggedOff"}, "a2": {"state": "ready"}}
