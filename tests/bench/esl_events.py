"""``esl_events_per_s``: how fast recorded FreeSWITCH events are read, ours beside plain greenswitch, in one process.

Ours: JSON events through the guarded connection, the hub's thread and the hand-over into an asyncio loop, each event
parsed and taken. Plain: the same call's events in greenswitch's own form, through its reader to one handler. A second
process only sends bytes. ``python -m tests.bench.esl_events`` prints both.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import multiprocessing
import socket
import statistics
import threading
import time
from pathlib import Path
from typing import Any

from cti.switches.freeswitch.link import EslLink, HubThread
from cti.switches.freeswitch.wire import Event

CAPTURES = Path(__file__).parents[1] / "captures"
EVENTS = 20_000
TURNS = 3
DEADLINE = 60.0
PASSWORD = "bench"


def _recorded(kind: str) -> tuple[bytes, int]:
    data = gzip.decompress((CAPTURES / f"freeswitch-1.10.12-call.{kind}.esl.gz").read_bytes())
    return data, data.count(b"Content-Type: text/event-")


def _send(port: int, data: bytes, times: int) -> None:
    """The other process: greet, let in, answer commands; on ``go`` as fast as it is taken."""
    with socket.create_server(("127.0.0.1", port)) as server:
        while True:
            connection, _ = server.accept()
            threading.Thread(target=_serve, args=(connection, data, times), daemon=True).start()


def _serve(connection: socket.socket, data: bytes, times: int) -> None:
    with connection:
        connection.sendall(b"Content-Type: auth/request\n\n")
        while text := connection.recv(4096):
            if text.strip().endswith(b"go"):
                for _ in range(times):
                    connection.sendall(data)
            elif text.startswith(b"auth "):
                connection.sendall(b"Content-Type: command/reply\nReply-Text: +OK accepted\n\n")
            else:
                connection.sendall(b"Content-Type: api/response\nContent-Length: 3\n\n+OK")


class _Sender:
    def __init__(self, kind: str) -> None:
        data, count = _recorded(kind)
        times = -(-EVENTS // count)
        self.events = count * times
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port = probe.getsockname()[1]
        self._process = multiprocessing.get_context("spawn").Process(target=_send, args=(self.port, data, times))

    def __enter__(self) -> _Sender:
        self._process.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.join(5)


async def _ours() -> float:
    """Events a second."""
    thread = HubThread("bench")
    thread.start()
    done, taken = asyncio.Event(), 0
    with _Sender("json") as sender:

        def take(_: Event) -> None:
            nonlocal taken
            taken += 1
            if taken == sender.events:
                done.set()

        link = await _connected(lambda: EslLink(thread, "127.0.0.1", sender.port, PASSWORD, take))
        begun = time.perf_counter()
        link.send("go")
        async with asyncio.timeout(DEADLINE):
            await done.wait()
        speed = sender.events / (time.perf_counter() - begun)
        link.abort("measured")
    await asyncio.to_thread(thread.stop)
    return speed


async def _connected(make: Any) -> EslLink:
    """The sender needs a moment to listen."""
    end = time.monotonic() + 20
    while True:
        link: EslLink = make()
        try:
            await link.open(5.0)
            return link
        except Exception:
            link.abort("again")
            if time.monotonic() > end:
                raise
            await asyncio.sleep(0.1)


def _plain() -> float:
    speeds: list[float] = []
    thread = threading.Thread(target=lambda: speeds.append(_greenswitch()), daemon=True)
    thread.start()
    thread.join(DEADLINE)
    return speeds[0]


def _greenswitch() -> float:
    import gevent
    import gevent.event
    from greenswitch.esl import InboundESL

    done, taken = gevent.event.Event(), 0
    with _Sender("plain") as sender:

        def take(_: Any) -> None:
            nonlocal taken
            taken += 1
            if taken == sender.events:
                done.set()

        end = time.monotonic() + 20
        while True:
            esl = InboundESL("127.0.0.1", sender.port, PASSWORD)
            esl.register_handle("*", take)
            try:
                esl.connect()
                break
            except OSError:
                if time.monotonic() > end:
                    raise
                gevent.sleep(0.1)
        esl.send("api status")
        begun = time.perf_counter()
        gevent.spawn(esl.send, "api go")
        done.wait(DEADLINE)
        speed = taken / (time.perf_counter() - begun)
        esl._run = False
        esl.sock.close()
    return speed


async def measure() -> dict[str, Any]:
    """Medians of ``TURNS`` turns, taken in turn so that a busy machine is busy for both."""
    ours, plain = [], []
    for _ in range(TURNS):
        ours.append(await _ours())
        plain.append(await asyncio.to_thread(_plain))
    fast, slow = statistics.median(ours), statistics.median(plain)
    return {
        "ours": round(fast),
        "greenswitch": round(slow),
        "times": round(fast / slow, 2),
        "target_times": 2.0,
        "events": EVENTS,
        "bytes_an_event": round(len(_recorded("json")[0]) / _recorded("json")[1]),
        "turns_ours": [round(v) for v in ours],
        "turns_greenswitch": [round(v) for v in plain],
    }


if __name__ == "__main__":
    print(json.dumps({"esl_events_per_s": asyncio.run(measure())}, indent=1))
