"""The configuration from the database to the engine and to the switch: at the start, and when a page asks for it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from cti.domain.config.centre import CentreConfig
from cti.domain.errors import BadRequest, CallyardError
from cti.store import boards
from cti.store.config import build_config
from cti.store.ports import Document, WorkerBus
from cti.store.switchdata import SwitchRows, load_switch_rows

BUCKET, KEY = "cy_config", "centre"

log = structlog.get_logger(__name__)

ApplySwitch = Callable[[SwitchRows], object]
Read = Callable[[Callable[[Session], Any]], Awaitable[Any]]


class DatabaseDown(CallyardError):
    """The database does not answer now; nothing was changed."""

    code = "database.down"


@dataclass(slots=True)
class Publisher:
    """``read`` runs a query in a thread. ``apply_switch`` blocks, and may raise."""

    bus: WorkerBus
    read: Read
    apply_switch: ApplySwitch | None
    _one_at_a_time: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def publish_config(self) -> int:
        """Put the centre as the database has it on the bus; its version, which grows when anything changed.

        Raises ``DatabaseDown`` or what the bus raises.
        """
        async with self._one_at_a_time:
            await self._publish_boards()
            config: CentreConfig = await self._ask(build_config)
            document = config.to_document()
            known = await self.bus.kv_get(BUCKET, KEY)
            if known is not None and _same(known, document):
                return int(known["version"])
            last = known.get("version", 0) if known else 0
            document["version"] = max(int(last) + 1, int(time.time()))
            await self.bus.kv_put(BUCKET, KEY, document)
            log.info("config.published", version=document["version"])
            return int(document["version"])

    async def _publish_boards(self) -> None:
        """The dial plan of each voice board, for its host process."""
        for name, plan in (await self._ask(boards.load_plans)).items():
            if await self.bus.kv_get(boards.BUCKET, name) != plan:
                await self.bus.kv_put(boards.BUCKET, name, plan)

    async def command(self, request: Document) -> Document:
        """What ``cy.cmd.worker`` answers."""
        match request.get("op"):
            case "publish_config":
                return {"ok": True, "version": await self.publish_config()}
            case "apply_switch":
                await self._configure_switch()
                return {"ok": True}
        raise BadRequest(f"unknown operation {str(request.get('op'))[:40]!r}")

    async def _configure_switch(self) -> None:
        if self.apply_switch is None:
            raise BadRequest("this worker does not configure a switch")
        async with self._one_at_a_time:
            rows: SwitchRows = await self._ask(load_switch_rows)
            await asyncio.to_thread(self.apply_switch, rows)

    async def _ask(self, query: Callable[[Session], Any]) -> Any:
        try:
            return await self.read(query)
        except SQLAlchemyError as error:
            raise DatabaseDown(str(error).splitlines()[0]) from error


def _same(known: Document, document: Document) -> bool:
    """Whether two documents say the same, but for their versions."""
    try:
        return CentreConfig.from_document({**known, "version": 0}) == CentreConfig.from_document(
            {**document, "version": 0}
        )
    except CallyardError:
        return False
