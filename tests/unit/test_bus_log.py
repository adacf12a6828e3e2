"""What every bus keeps: the durable log and who reads it, and the operation log."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest

from cti.bus.base import Bus, BusDown, Traced, TraceKeep
from cti.bus.nats import NatsBus
from tests.nats_server import NatsServer
from tests.unit import bus_rigs
from tests.unit.bus_rigs import NatsRig, Rig

rig = bus_rigs.rig


async def test_log_messages_queued_while_the_bus_is_down_are_stored_in_order(rig: Rig) -> None:
    engine = await rig.bus()
    engine.publish_durable("cy.log.call.c1", "c1-1", {"n": 1})
    assert await engine.flush_durable(5.0)
    await rig.cut()
    for n in range(2, 500):
        engine.publish_durable("cy.log.call.c1", f"c1-{n}", {"n": n})
    assert engine.stats.outbox >= 498
    await rig.restore()
    assert await engine.flush_durable(10.0)
    consumer = engine.consumer("reader")
    got: list[bytes] = []
    while len(got) < 499:
        messages = await consumer.fetch(200, 5.0)
        assert messages
        got += [m.data for m in messages]
        for message in messages:
            await message.ack()
    assert got == [b'{"n":%d}' % n for n in range(1, 500)]
    assert engine.stats.durable_dropped == 0


async def test_a_full_outbox_keeps_the_oldest_and_counts_the_rest(rig: Rig) -> None:
    engine = await rig.bus(outbox_limit=10)
    await rig.cut()
    for n in range(25):
        engine.publish_durable("cy.log.call.c1", f"c1-{n}", {"n": n})
    assert engine.stats.durable_dropped == 15
    await rig.restore()
    assert await engine.flush_durable(5.0)
    messages = await engine.consumer("reader").fetch(50, 5.0)
    assert [m.data for m in messages] == [b'{"n":%d}' % n for n in range(10)]


async def test_a_repeated_message_id_is_stored_once(rig: Rig) -> None:
    engine = await rig.bus()
    for _ in range(3):
        engine.publish_durable("cy.log.call.c1", "c1-7", {"version": 7})
    engine.publish_durable("cy.log.call.c1", "c1-8", {"version": 8})
    assert await engine.flush_durable(5.0)
    messages = await engine.consumer("reader").fetch(10, 1.0)
    assert [m.data for m in messages] == [b'{"version":7}', b'{"version":8}']


async def test_a_message_too_big_for_the_bus_does_not_block_the_ones_behind_it(tmp_path: Path) -> None:
    rig = NatsRig(tmp_path)
    engine = await rig.bus()
    engine.publish_durable("cy.log.call.c1", "c1-1", {"x": "y" * 2_000_000})
    engine.publish_durable("cy.log.call.c1", "c1-2", {"n": 2})
    assert await engine.flush_durable(5.0)
    assert engine.stats.durable_dropped == 1
    assert await engine.last("cy.log.call.c1") == {"n": 2}
    await rig.close()


async def test_a_reader_goes_on_where_it_acknowledged(rig: Rig) -> None:
    engine = await rig.bus()
    for n in range(4):
        engine.publish_durable(f"cy.log.call.c{n}", f"c{n}-1", {"n": n})
    assert await engine.flush_durable(5.0)
    first = await engine.consumer("reader").fetch(2, 5.0)
    for message in first:
        await message.ack()
    other = await rig.bus()
    rest = await other.consumer("reader").fetch(10, 5.0)
    assert [m.sequence for m in rest] == [3, 4]
    assert await other.consumer("reader").pending() == 2


async def test_a_reader_survives_the_loss_of_the_bus(rig: Rig) -> None:
    engine = await rig.bus()
    consumer = engine.consumer("reader")
    assert await consumer.fetch(1, 0.05) == []
    waiting = asyncio.create_task(consumer.fetch(1, 1.0))
    await asyncio.sleep(0)
    await rig.cut()
    assert await waiting == []
    assert await consumer.fetch(1, 0.05) == []
    await rig.restore()
    engine.publish_durable("cy.log.call.c1", "c1-1", {"n": 1})
    messages = await consumer.fetch(1, 5.0)
    assert [m.data for m in messages] == [b'{"n":1}']


async def test_the_last_log_message_of_a_call(rig: Rig) -> None:
    engine = await rig.bus()
    assert await engine.last("cy.log.call.c1") is None
    for n in (1, 2):
        engine.publish_durable("cy.log.call.c1", f"c1-{n}", {"n": n})
    assert await engine.flush_durable(5.0)
    assert await engine.last("cy.log.call.c1") == {"n": 2}


@pytest.mark.parametrize("storage", ["8GB", "2GB", "300MB"])
async def test_the_log_fits_into_what_the_server_has(tmp_path: Path, storage: str) -> None:
    server = NatsServer(tmp_path, storage)
    await asyncio.to_thread(server.start)
    for _ in range(2):
        bus = NatsBus(server.url, server.token)
        await bus.start()
        assert await bus.wait_connected(5.0)
        bus.publish_durable("cy.log.call.c1", "c1-1", {"n": 1})
        assert await bus.flush_durable(5.0)
        await bus.stop()
    server.stop()


async def test_a_server_without_room_for_the_log_is_not_used(tmp_path: Path) -> None:
    server = NatsServer(tmp_path, "100MB")
    await asyncio.to_thread(server.start)
    bus = NatsBus(server.url, server.token)
    await bus.start()
    assert not await bus.wait_connected(1.0)
    await bus.stop()
    server.stop()


# ------------------------------------------------------------ the operation log


async def traced(bus: Bus, subject: str, count: int, **options: Any) -> list[Traced]:
    """What is kept of ``subject``, once it is so many."""
    end = time.monotonic() + 10.0
    while len(found := await bus.traced(subject, **options)) != count:
        assert time.monotonic() < end, found
        await asyncio.sleep(0.01)
    return found


async def test_the_operation_log_is_kept_and_read_by_call_or_as_a_whole(rig: Rig) -> None:
    engine, web = await rig.bus(), await rig.bus()
    for number in range(6):
        engine.publish(f"cy.trace.call.c{number % 2}", {"lines": [number]})
    kept = await traced(web, "cy.trace.call.c1", 3)
    assert [message.document["lines"] for message in kept] == [[1], [3], [5]]
    assert {message.subject for message in kept} == {"cy.trace.call.c1"}
    whole = await traced(web, "cy.trace.>", 6)
    assert [message.document["lines"] for message in whole] == [[n] for n in range(6)]
    assert [m.document["lines"] for m in await web.traced("cy.trace.>", after=whole[3].sequence)] == [[4], [5]]
    assert [m.document["lines"] for m in await web.traced("cy.trace.>", limit=2)] == [[0], [1]]
    assert await web.traced("cy.trace.call.unknown") == []
    assert len(await web.traced("cy.trace.>", since=time.time() - 600)) == 6
    assert await web.traced("cy.trace.>", since=time.time() + 600) == []


async def test_the_operation_log_outlives_the_server_and_is_not_read_without_it(rig: Rig) -> None:
    bus = await rig.bus()
    bus.publish("cy.trace.call.c1", {"lines": [1]})
    await traced(bus, "cy.trace.call.c1", 1)
    await rig.cut()
    with pytest.raises(BusDown):
        await bus.traced("cy.trace.call.c1", deadline=0.2)
    await rig.restore()
    assert [message.document for message in await traced(bus, "cy.trace.call.c1", 1)] == [{"lines": [1]}]


async def test_where_no_engine_has_run_nothing_is_kept(tmp_path: Path) -> None:
    server = NatsServer(tmp_path)
    server.start()
    bus = NatsBus(server.url, server.token)
    await bus.start()
    assert await bus.traced("cy.trace.>") == []
    await bus.stop()
    server.stop()


async def test_a_server_with_little_room_keeps_less_of_the_operation_log(tmp_path: Path) -> None:
    server = NatsServer(tmp_path, storage="400MB")
    server.start()
    bus = NatsBus(server.url, server.token, trace=TraceKeep(days=1, megabytes=2048))
    await bus.start()
    assert await bus.wait_connected(10.0)
    bus.publish("cy.trace.call.c1", {"lines": [1]})
    await traced(bus, "cy.trace.call.c1", 1)
    await bus.stop()
    server.stop()
