"""One subscription to the bus a process, fanned out to every open page; keeps the newest document of each subject.

The hub's thread starts with the first reader. A page that joins gets the whole present state first, from memory. Must
not know HTTP: readers take ``(kind, document)`` pairs from a bounded mailbox and are dropped when they do not keep up.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Iterator
from typing import Any

import structlog

from cti.domain.errors import CallyardError
from webui.common.bus import WebBus, bus_request

Document = dict[str, Any]
Item = tuple[str, Document]

MAILBOX = 2048
TICK = 0.5  # seconds between looks at the bus when nothing comes
CHECK_ENGINE = 2.0  # seconds between questions whether the engine is there
PREFIXES = {"cy.evt.agent.": "agent", "cy.evt.queue.": "queue"}
PASSING = {"cy.evt.trunk_test.": "trunk_test"}  # news for open pages only: who comes later asks the engine

log = structlog.get_logger("web")


class Reader:
    """The mailbox of one open page. ``None`` in it is the end."""

    def __init__(self) -> None:
        self._items: queue.Queue[Item | None] = queue.Queue(MAILBOX)
        self.ended = False

    def put(self, item: Item) -> bool:
        """False when the reader is too slow."""
        try:
            self._items.put_nowait(item)
        except queue.Full:
            return False
        return True

    def end(self) -> None:
        self.ended = True
        try:
            self._items.put_nowait(None)
        except queue.Full:
            pass  # it wakes up by itself, having plenty to read, and sees ``ended``

    def take(self, timeout: float) -> Item | None:
        """The next item, or None after ``timeout`` seconds or at the end."""
        try:
            return self._items.get(timeout=timeout)
        except queue.Empty:
            return None


class EventHub:
    def __init__(self, bus: WebBus) -> None:
        self._bus = bus
        self._lock = threading.Lock()
        self._readers: set[Reader] = set()
        self._documents: dict[tuple[str, str], Document] = {}
        self._centre: Document = {"switches": [], "engine": False}
        self._thread: threading.Thread | None = None
        self._closed = threading.Event()
        self._first_state = threading.Event()
        self.dropped = 0

    def join(self) -> Reader:
        """A reader whose mailbox holds the whole state, then every change."""
        self._start()
        self._first_state.wait(CHECK_ENGINE)
        reader = Reader()
        with self._lock:
            for item in self._state():
                reader.put(item)
            self._readers.add(reader)
        if self._closed.is_set():
            reader.end()
        return reader

    def leave(self, reader: Reader) -> None:
        with self._lock:
            self._readers.discard(reader)

    @property
    def open(self) -> int:
        return len(self._readers)

    def agents(self) -> list[Document]:
        """The newest document of every agent, by number."""
        self._start()
        self._first_state.wait(CHECK_ENGINE)
        with self._lock:
            found = [document for (kind, _id), document in self._documents.items() if kind == "agent"]
        return sorted(found, key=lambda document: str(document.get("number", "")))

    def centre(self) -> Document:
        """The newest word on switches and trunks; ``engine`` false when the engine does not answer."""
        self._start()
        self._first_state.wait(CHECK_ENGINE)
        return self._centre

    def simulated(self) -> bool:
        """Every switch that the engine drives is the simulator: there is nothing a browser phone could reach."""
        switches = self.centre()["switches"]
        return bool(switches) and all(switch.get("name") == "sim" for switch in switches)

    def agent(self, agent_id: str) -> Document | None:
        with self._lock:
            return self._documents.get(("agent", agent_id))

    def tell(self, kind: str, document: Document) -> None:
        """Pass on something of the site's own; it is not kept for pages that come later."""
        with self._lock:
            self._send((kind, document))

    def wait_for_end(self, seconds: float) -> bool:
        """Whether the site ends within ``seconds``."""
        return self._closed.wait(seconds)

    def close(self) -> None:
        """End every stream and the thread. Safe in a signal handler's thread."""
        self._closed.set()
        for reader in list(self._readers):
            reader.end()

    def _state(self) -> Iterator[Item]:
        yield "centre", self._centre
        for (kind, _id), document in self._documents.items():
            yield kind, document
        yield "whole", {"now": time.time()}

    def _start(self) -> None:
        with self._lock:
            if self._thread is None and not self._closed.is_set():
                self._thread = threading.Thread(target=self._run, name="events", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while not self._closed.is_set():
            try:
                self._follow()
            except CallyardError as error:
                log.warning("web.events.bus", detail=str(error))
                self._set_engine(False)
                self._first_state.set()
                self._closed.wait(1.0)
            except Exception:
                log.exception("web.events.crash")
                self._closed.wait(1.0)

    def _follow(self) -> None:
        subscription = self._bus.subscribe("cy.evt.>")
        probe = threading.Thread(target=self._watch_engine, args=(subscription,), name="events-probe", daemon=True)
        try:
            self._load()
            probe.start()
            while not self._closed.is_set():
                event = subscription.get(TICK)
                if event is not None:
                    self._take(event.subject, event.payload)
                elif subscription.take_gap():
                    self._load()
        finally:
            subscription.close()
        probe.join(CHECK_ENGINE)

    def _watch_engine(self, subscription: Any) -> None:
        """Ask now and then whether the engine answers; fetch the whole state when it is back."""
        while not self._closed.wait(CHECK_ENGINE) and not subscription.closed:
            try:
                bus_request(self._bus, "cy.cmd.centre", {"op": "ping"}, CHECK_ENGINE)
            except CallyardError:
                self._set_engine(False)
            else:
                if not self._centre["engine"]:
                    self._load()

    def _load(self) -> None:
        """Fetch everything from the engine and give it to every reader."""
        try:
            floor = bus_request(self._bus, "cy.cmd.centre", {"op": "floor"})
        except CallyardError:
            self._set_engine(False)
            self._first_state.set()
            return
        with self._lock:
            self._documents = {("agent", str(d["agent_id"])): d for d in floor.get("agents", [])}
            self._documents |= {("queue", str(d["queue_id"])): d for d in floor.get("queues", [])}
            self._centre = {"switches": floor.get("switches", []), "engine": bool(floor.get("ok"))}
            for item in self._state():
                self._send(item)
        self._first_state.set()

    def _take(self, subject: str, payload: Document) -> None:
        if subject == "cy.evt.centre" and not self._centre["engine"]:
            self._load()  # an engine that is back may know other things than the one that went
            return
        with self._lock:
            if subject == "cy.evt.centre":
                self._centre = payload | {"engine": True}
                self._send(("centre", self._centre))
                return
            for prefix, kind in PREFIXES.items():
                if subject.startswith(prefix):
                    self._documents[(kind, subject.removeprefix(prefix))] = payload
                    self._send((kind, payload))
            for prefix, kind in PASSING.items():
                if subject.startswith(prefix):
                    self._send((kind, payload))

    def _set_engine(self, up: bool) -> None:
        with self._lock:
            if self._centre["engine"] != up:
                self._centre = self._centre | {"engine": up}
                self._send(("centre", self._centre))

    def _send(self, item: Item) -> None:
        """To every reader; the lock is held. One whose mailbox is full is ended: it comes back for the whole state."""
        for reader in list(self._readers):
            if not reader.put(item):
                self.dropped += 1
                self._readers.discard(reader)
                reader.end()
