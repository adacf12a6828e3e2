"""Runs the pure engine: switch events, requests and timers in; commands, documents and timers out.

Order matters in one place only: effects are started in the order they were decided, and a driver keeps the order of
commands on one channel. Nothing here decides anything about calls.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Sequence
from datetime import UTC, datetime, tzinfo
from typing import Any

import structlog

from cti.bus.base import Bus, BusDown, Document
from cti.domain.config.centre import CentreConfig
from cti.domain.errors import BadRequest, CallyardError, SwitchError
from cti.domain.switch.events import ChannelOffered, ChannelWatched, LinkLost, LinkUp, SwitchEvent
from cti.engine.trace import Trace
from cti.services.effects import (
    AskLastAgent,
    AskRetry,
    Effect,
    Log,
    Publish,
    StartTimer,
    StopTimer,
    StoreAgent,
    StoreCallbacks,
    StoreToday,
    SwitchCommand,
)
from cti.services.engine import Engine
from cti.switches.base import Switch

RECONCILE_EVERY = 10.0
SNAPSHOT_RETRY = 0.5
CONFIG_BUCKET, CONFIG_KEY = "cy_config", "centre"
AGENT_BUCKET = "cy_agents"
STATS_BUCKET = "cy_stats"
CALLBACK_BUCKET = "cy_callbacks"
QUESTION_WITHIN = 0.1
"""Seconds for the worker to say who served a caller before; without an answer anybody may."""

log = structlog.get_logger(__name__)


class Overtaken(SwitchError):
    """The snapshot is older than the link."""


class EngineRunner:
    """One engine over any number of switches. ``start`` returns when configuration and agents are known.

    ``zone`` is the centre's: of its days and its calendars.
    """

    def __init__(
        self,
        switches: Sequence[Switch],
        bus: Bus,
        clock: Callable[[], float] = time.time,
        configured: Callable[[CentreConfig], None] = lambda config: None,
        zone: tzinfo = UTC,
    ) -> None:
        self.engine = Engine([switch.name for switch in switches], zone)
        self._switches = {switch.name: switch for switch in switches}
        self._bus = bus
        self._clock = clock
        self._trace = Trace(self.engine.centre, bus)
        self._on_configured = configured
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._undo: list[Callable[[], None]] = []
        self._configured = asyncio.Event()
        self._reconciling: set[str] = set()
        self._day = ""

    # ------------------------------------------------------------ life

    async def start(self) -> None:
        """Wait for the configuration, restore the agents, serve requests, then connect the switches."""
        self._undo.append(await self._bus.kv_watch(CONFIG_BUCKET, self._on_config))
        await self._configured.wait()
        await self._restore()
        self._undo.append(await self._bus.serve("cy.cmd.agent", self._agent_request))
        self._undo.append(await self._bus.serve("cy.cmd.centre", self._centre_request))
        self._undo.append(await self._bus.serve("cy.cmd.supervisor", self._supervisor_request))
        self._undo.append(self._bus.on_connected(lambda: self._do(self.engine.refresh(self._clock()))))
        self._trace.start()
        for switch in self._switches.values():
            await switch.start(self._sink(switch.name))
        self._spawn(self._tick())

    async def stop(self) -> None:
        """Stop deciding. Calls go on at the switch; the next engine takes them over."""
        for undo in self._undo:
            undo()
        for switch in self._switches.values():
            await switch.stop()
        for handle in self._timers.values():
            handle.cancel()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.sleep(0)  # what was decided last is told
        self._trace.stop()
        await asyncio.sleep(0)

    def _on_config(self, key: str, value: Document | None) -> None:
        if key != CONFIG_KEY or value is None:
            return
        try:
            config = CentreConfig.from_document(value)
        except BadRequest as error:
            log.error("configuration refused, the old one stays", error=str(error))
            return
        log.info("configuration", version=config.version, agents=len(config.agents), queues=len(config.queues))
        self._on_configured(config)
        self._do(self.engine.on_config(self._clock(), config))
        self._configured.set()

    async def _restore(self) -> None:
        while True:
            try:
                agents = await self._bus.kv_all(AGENT_BUCKET)
                stats = await self._bus.kv_get(STATS_BUCKET, "today")
                callbacks = await self._bus.kv_get(CALLBACK_BUCKET, "places")
                break
            except BusDown:
                await asyncio.sleep(SNAPSHOT_RETRY)
        ledger = await self._ledgers(self.engine.wrapped_calls(agents))
        self._day = self.engine.centre.day = self._today()
        self._do(self.engine.on_restore(self._clock(), agents, ledger))
        self._do(self.engine.restore_callbacks(self._clock(), callbacks or {}))
        self.engine.restore_today(stats if stats is not None and stats.get("day") == self._day else {})

    # ------------------------------------------------------------ in

    def _sink(self, name: str) -> Callable[[SwitchEvent], None]:
        def sink(event: SwitchEvent) -> None:
            if isinstance(event, LinkLost):
                log.warning("switch lost", switch=name, reason=event.reason)
            now, offered = self._clock(), isinstance(event, ChannelOffered | ChannelWatched)
            if not offered:
                self._trace.event(now, name, event)
            effects = self.engine.on_event(now, name, event)
            if offered:
                self._trace.event(now, name, event)
            self._do(effects)
            if isinstance(event, LinkUp):
                log.info("switch connected", switch=name)
                self._spawn(self._reconcile(name, until_done=True))

        return sink

    async def _agent_request(self, request: Document) -> Document:
        return self._asked("agent", self.engine.agent_request, request)

    async def _centre_request(self, request: Document) -> Document:
        reply, effects = self.engine.centre_request(self._clock(), request)
        self._do(effects)
        return reply

    async def _supervisor_request(self, request: Document) -> Document:
        return self._asked("supervisor", self.engine.supervisor_request, request)

    def _asked(
        self, who: str, ask: Callable[[float, Document], tuple[Document, list[Effect]]], request: Document
    ) -> Document:
        now, call_id = self._clock(), self._trace.call_asked_for(request)
        reply, effects = ask(now, request)
        self._trace.request(now, who, request, call_id, str(reply.get("error", "")))
        self._do(effects)
        return reply

    async def _reconcile(self, name: str, *, until_done: bool) -> None:
        """Snapshot and reconcile one switch; after a connect again and again until it worked."""
        if name in self._reconciling:
            return  # it notices by itself when the link was new meanwhile
        self._reconciling.add(name)
        try:
            while True:
                try:
                    await self._reconcile_once(name)
                    return
                except SwitchError as error:
                    log.warning("snapshot failed", switch=name, error=str(error))
                    status = self.engine.centre.switches[name]
                    if not status.up or (status.reconciled and not until_done):
                        return
                await asyncio.sleep(SNAPSHOT_RETRY)
        finally:
            self._reconciling.discard(name)

    async def _reconcile_once(self, name: str) -> None:
        asked_at, status = self._clock(), self.engine.centre.switches[name]
        links = status.links
        snapshot = await self._switches[name].snapshot()
        ledger = await self._ledgers(self.engine.unknown_calls(snapshot))
        if status.links != links:
            raise Overtaken("the link was lost since the snapshot was asked for")
        first, now = not status.reconciled, self._clock()
        effects = self.engine.on_snapshot(now, name, snapshot, asked_at, ledger)
        self._trace.snapshot(now, name, len(snapshot.channels), first=first)
        self._do(effects)

    async def _ledgers(self, call_ids: list[str]) -> dict[str, Document]:
        documents = await asyncio.gather(*(self._ledger(call_id) for call_id in call_ids))
        return {call_id: document for call_id, document in zip(call_ids, documents, strict=True) if document}

    async def _ledger(self, call_id: str) -> Document | None:
        try:
            message = await self._bus.last(f"cy.log.call.{call_id}", 2.0)
        except BusDown:
            return None
        call = message.get("call") if message else None
        return call if isinstance(call, dict) else None

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(RECONCILE_EVERY)
            if self._today() != self._day:
                self._day = self._today()
                self._do(self.engine.new_day(self._clock(), self._day))
            for name, status in self.engine.centre.switches.items():
                if status.up:
                    await self._reconcile_safely(name)

    async def _reconcile_safely(self, name: str) -> None:
        """A mistake in one round must not end all the later ones."""
        try:
            await self._reconcile(name, until_done=False)
        except Exception:
            self.engine.centre.counters["engine:bug"] += 1
            log.exception("reconciliation failed", switch=name)

    def _today(self) -> str:
        return datetime.fromtimestamp(self._clock(), self.engine.centre.zone).date().isoformat()

    # ------------------------------------------------------------ out

    def _do(self, effects: list[Effect]) -> None:
        """Commands at once, documents when the commands are on their way: telephones before pages and records."""
        later: list[Publish | Log | StoreAgent | StoreCallbacks | StoreToday] = []
        for effect in effects:
            match effect:
                case SwitchCommand():
                    self._spawn(self._command(effect))
                case StartTimer(key, delay):
                    self._start_timer(key, delay)
                case StopTimer(key):
                    self._stop_timer(key)
                case AskLastAgent():
                    self._spawn(self._ask_last_agent(effect))
                case AskRetry():
                    self._spawn(self._ask_retry(effect))
                case _:
                    later.append(effect)
        if later:
            asyncio.get_running_loop().call_soon(self._tell, later)

    def _tell(self, effects: list[Publish | Log | StoreAgent | StoreCallbacks | StoreToday]) -> None:
        for effect in effects:
            match effect:
                case Publish(subject, document):
                    self._bus.publish(subject, document)
                    if "agent_id" in document:
                        self._trace.agent(self._clock(), document)
                case Log(subject, document, message_id):
                    if "call" in document:
                        self._trace.logged(document)
                        log.info(document["event"], call_id=document["call"]["call_id"], cause=document["cause"])
                    self._bus.publish_durable(subject, message_id, document)
                case StoreAgent(agent_id, document):
                    self._bus.put_soon(AGENT_BUCKET, agent_id, document)
                case StoreCallbacks(document):
                    self._bus.put_soon(CALLBACK_BUCKET, "places", document)
                case StoreToday(document):
                    self._bus.put_soon(STATS_BUCKET, "today", {"day": self._day, **document})

    async def _command(self, effect: SwitchCommand) -> None:
        sent = self._trace.command(self._clock(), effect)
        try:
            await self._switches[effect.switch].execute(effect.command)
            self._trace.done(self._clock(), sent)
        except CallyardError as error:
            self._trace.done(self._clock(), sent, error)
            name = type(effect.command).__name__
            log.warning("switch command failed", command=name, error=error.code, detail=str(error))
            self._do(self.engine.on_failed(self._clock(), effect, error))

    async def _ask_last_agent(self, effect: AskLastAgent) -> None:
        question = {"op": "last_agent", "number": effect.number, "queue_id": effect.queue_id, "days": effect.days}
        found = (await self._ask_worker(question)).get("agent_id")
        if not isinstance(found, str):
            self.engine.centre.counters["last_agent:unknown"] += 1
            found = ""
        self._do(self.engine.on_last_agent(self._clock(), effect.call_id, effect.queue_id, found))

    async def _ask_retry(self, effect: AskRetry) -> None:
        question = {"op": "retry", "number": effect.number, "within": effect.within, "short": effect.short}
        found = (await self._ask_worker(question)).get("retry")
        if found is True:
            self._do(self.engine.on_retry(self._clock(), effect.call_id))
        elif found is not False:
            self.engine.centre.counters["retry:unknown"] += 1

    async def _ask_worker(self, question: dict[str, Any]) -> dict[str, Any]:
        """The answer, in time or empty: the place of a caller depends on it."""
        try:
            return await self._bus.request("cy.cmd.worker", question, QUESTION_WITHIN)
        except CallyardError as error:
            return {"error": error.code}

    def _start_timer(self, key: str, delay: float) -> None:
        self._stop_timer(key)
        self._timers[key] = asyncio.get_running_loop().call_later(delay, self._fire, key)

    def _stop_timer(self, key: str) -> None:
        handle = self._timers.pop(key, None)
        if handle is not None:
            handle.cancel()

    def _fire(self, key: str) -> None:
        self._timers.pop(key, None)
        now = self._clock()
        effects = self.engine.on_timer(now, key)
        self._trace.timer(now, key, effects)
        self._do(effects)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self.engine.centre.counters["engine:bug"] += 1
            log.error("a task of the engine failed", exc_info=error)
