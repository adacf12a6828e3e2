"""The product set up for measuring: sixty agents, no wrap-up, pages open in Chromium, phones and callers by sipp."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from playwright.async_api import async_playwright
from sqlalchemy import select
from sqlalchemy.orm import Session

from cti.domain.config.routes import TargetKind
from cti.store.models import Agent, Did, PhoneKind, Queue, QueueMember, Role, User
from tests.e2e.rig.browser import Desk, Person, launch
from tests.e2e.rig.centre import Centre

AGENTS = 60
FIRST = 1001
DID = "8001"
Account = tuple[str, str]


async def build(folder: Path, **environment: str) -> Centre:
    """Start the product with ``AGENTS`` agents in the queue of ``DID``."""
    centre = await Centre.start(folder, **environment)
    await centre.configure(_more_agents, phones=True)
    await centre.quick_queues(wrapup=0.0, ring_timeout=15.0)
    return centre


def accounts(centre: Centre, count: int) -> list[Account]:
    with centre.database() as session:
        rows = session.scalars(select(Agent).order_by(Agent.number)).all()
        return [(row.number, row.sip_secret) for row in rows][:count]


async def all_ready(centre: Centre, numbers: Sequence[str]) -> None:
    for number in numbers:
        await centre.on_duty(number)


async def all_off(centre: Centre) -> None:
    await centre.everybody_off()


@asynccontextmanager
async def pages_open(centre: Centre, folder: Path) -> AsyncIterator[Desk]:
    """The first agent's desktop, for a desk phone, and the supervisor's live page stay open in Chromium."""
    centre.use_desk_phone("1001")
    async with async_playwright() as playwright:
        browser = await launch(playwright, folder)
        desk = await Desk.sign_in(centre, browser, "agent1", "zh_CN")
        await desk.page.goto("/desktop")
        boss = await Person.sign_in(centre, browser, "supervisor", "zh_CN")
        await boss.page.goto("/floor")
        await asyncio.sleep(1)  # both pages settle before anything is measured
        yield desk
        await browser.close()


def members(agents: Sequence[str], queues: int, queue: int) -> list[str]:
    """Who of ``agents`` is in queue number ``queue`` of ``queues``: with ten, everybody is in three."""
    return [agent for n, agent in enumerate(agents) if queues == 1 or (n - queue) % queues in (0, 3, 7)]


async def skilled_queues(centre: Centre, count: int) -> list[str]:
    """So many queues of ours over all agents, half of them asking for a skill that half of the agents have.

    Returns the numbers to call. ``members`` says who is in which, as in the queues of a peer.
    """
    dids = [f"81{n:02d}" for n in range(count)]

    def build(session: Session) -> None:
        agents = list(session.scalars(select(Agent).order_by(Agent.number)))[:AGENTS]
        row = {agent.number: agent for agent in agents}
        for place, agent in enumerate(agents):
            agent.skills = {"en": 1 + place % 3} if place % 2 else {}
        for n, did in enumerate(dids):
            queue = Queue(number=f"21{n:02d}", name=f"Bench {n}", wrapup=0.0, ring_timeout=15.0, announce_max=0)
            queue.needs = [{"skill": "en", "level": 2, "relax_every": 5.0}] if n % 2 else []
            queue.members = [QueueMember(agent=row[number]) for number in members(list(row), count, n)]
            session.add(queue)
            session.flush()
            session.add(Did(number=did, target_kind=TargetKind.QUEUE, target_id=queue.id))

    with centre.database() as session:
        there = session.scalars(select(Did).where(Did.number == dids[0])).first() is not None
    if not there:
        await centre.configure(build)
    return dids


def quantile(values: Sequence[float], share: float) -> float:
    """The smallest value that ``share`` of all values do not exceed (nearest rank)."""
    ranked = sorted(values)
    return ranked[max(0, math.ceil(share * len(ranked)) - 1)]


def _more_agents(session: Session) -> None:
    template = session.scalars(select(Agent).order_by(Agent.number)).first()
    assert template is not None
    queue = session.scalars(select(Queue).where(Queue.number == "2001")).one()
    existing = set(session.scalars(select(Agent.number)))
    for number in map(str, range(FIRST, FIRST + AGENTS)):
        if number in existing:
            continue
        user = User(
            username=f"bench{number}",
            name=f"Demo Agent {number}",
            role=Role.AGENT,
            password_hash=template.user.password_hash,
        )
        agent = Agent(
            user=user,
            number=number,
            sip_secret=template.sip_secret + number,
            web_secret=template.web_secret + number,
            phone=PhoneKind.SIP,
        )
        session.add(agent)
        session.flush()
        queue.members.append(QueueMember(agent=agent))
