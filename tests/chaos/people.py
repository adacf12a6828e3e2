"""People who do as they like, by a seeded chance: agents, callers, somebody outside, and whoever trips over cables."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections import Counter
from collections.abc import Coroutine
from dataclasses import dataclass, field

from tests.e2e.rig.outside import OutsideCentre
from tests.e2e.rig.sip import SipCall, SipPhone

MENU_DID, ORDERS_DID = "8000", "8001"
OUTSIDE = "13900009999"
QUEUE = "2001"
CALLER_TONE = 1000.0
SETTLED = 1.5  # seconds after a fault until what went wrong in it is right again
REASONS = ("break", "lunch", "training")
WISHES = {  # what an agent may want in each state, and now and then something that makes no sense there
    "talking": ["hold", "consult", "consult", "transfer", "digits", "hangup", "not_ready", "ready", "logout"],
    "hold": ["retrieve", "retrieve", "consult", "transfer", "hangup"],
    "workingAfterCall": ["wrapup_done", "wrapup_extend", "ready", "not_ready"],
    "loggedOff": ["login"],
    "ready": ["not_ready", "logout", "dial", "dial", "hold"],
}
CONSULTING = ["complete", "complete", "take_back", "hangup", "transfer"]
IDLE = 0.85  # how often an agent who is ready lets things be


@dataclass
class Placed:
    """A call that somebody placed: when it was dialled, was first answered to, and was over (epoch seconds)."""

    number: str
    dialled: str
    began: float
    call: SipCall
    ended: float = 0.0

    @property
    def reached(self) -> bool:
        """The switch took it up, so that it must be in the books."""
        return any(name in ("ringing", "up") for name, _ in self.call.events)


@dataclass
class Dark:
    """Stretches in which the engine was dead or its link cut, until it was settled again."""

    stretches: list[tuple[float, float]] = field(default_factory=list)

    def covers(self, start: float, end: float) -> bool:
        return any(a <= start and end <= b for a, b in self.stretches)

    def within(self, start: float, end: float) -> float:
        """Seconds of ``start`` to ``end`` that were dark."""
        return sum(max(0.0, min(end, b) - max(start, a)) for a, b in self.stretches)


class Floor:
    """``run`` lets everybody act for so many seconds; ``calm`` ends what is left, and ``placed`` and ``dark`` tell."""

    def __init__(self, centre: OutsideCentre, seed: int, agents: list[str]) -> None:
        self.centre, self.agents = centre, agents
        self.chance = random.Random(seed)
        self.placed: list[Placed] = []
        self.dark = Dark()
        self.told: Counter[str] = Counter()
        self._phones: list[SipPhone] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._over = asyncio.Event()

    async def run(self, seconds: float) -> None:
        outside = await self.centre.caller(OUTSIDE)
        await self.centre.set_trunk_port(outside.port)
        self._phones.append(outside)
        everybody = [self._answers(outside, 0.0), self._calls_come(), self._faults()]
        for place, number in enumerate(self.agents):
            phone = await self.centre.phone(number)
            self._phones.append(phone)
            await self.centre.on_duty(number)
            everybody += [self._answers(phone, 500.0 + 100 * place), self._wishes(number)]
        tasks = [asyncio.create_task(one) for one in everybody]
        done, _ = await asyncio.wait(tasks, timeout=seconds, return_when=asyncio.FIRST_EXCEPTION)
        self._over.set()
        for task in done:
            task.result()
        await asyncio.gather(*tasks)

    async def calm(self) -> None:
        """Everybody hangs up; callers' calls are told as over."""
        await asyncio.gather(*self._tasks)
        for phone in self._phones:
            phone.hang_up()

    async def close(self) -> None:
        for phone in self._phones:
            phone.close()

    # ------------------------------------------------ who does what

    async def _nap(self, least: float, most: float) -> bool:
        """Some time passes. False when all is over."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._over.wait(), self.chance.uniform(least, most))
        return not self._over.is_set()

    async def _answers(self, phone: SipPhone, tone: float) -> None:
        while not self._over.is_set():
            with contextlib.suppress(AssertionError):
                self._later(self._takes(await phone.incoming(0.5), tone))

    async def _takes(self, call: SipCall, tone: float) -> None:
        does = self.chance.random()
        await self._nap(0.2, 1.5)
        if call.state != "ringing" or does < 0.12:
            return  # lets it ring
        if does < 0.2:
            call.reject(self.chance.choice([486, 480, 603, 500]))
            return
        await call.answer(tone)
        if self.chance.random() < 0.5:
            await self._nap(0.3, 6)
            call.hangup()

    async def _wishes(self, number: str) -> None:
        while await self._nap(0.5, 3):
            state, consulting = await self._state(number)
            if state == "ready" and self.chance.random() < IDLE:
                continue
            wish = self.chance.choice(CONSULTING if consulting else WISHES.get(state, ["ready"]))
            others = [*(n for n in self.agents if n != number), QUEUE, OUTSIDE]
            arguments: dict[str, object] = {}
            if wish in ("transfer", "consult", "dial"):
                arguments["number"] = self.chance.choice(others)
            elif wish == "login":
                arguments["device"] = number
            elif wish == "not_ready":
                arguments["reason"] = self.chance.choice(REASONS)
            elif wish == "digits":
                arguments["digits"] = "12#"
            elif wish == "wrapup_extend":
                arguments["seconds"] = 2
            self.told[f"{wish} {await self._asks(number, wish, **arguments)}"] += 1

    async def _state(self, number: str) -> tuple[str, bool]:
        """The agent's state, and whether a consultation is on."""
        with contextlib.suppress(Exception):
            agent = (await self.centre.try_agent(number, "state"))["agent"]
            return agent["state"], bool((agent["call"] or {}).get("consult"))
        return "", False

    async def _asks(self, number: str, wish: str, /, **arguments: object) -> str:
        """What came of it: refusals are the engine's right, and without an engine nobody answers."""
        with contextlib.suppress(Exception):
            reply = await self.centre.try_agent(number, wish, **arguments)
            return "done" if reply.get("ok") else str(reply.get("error"))
        return "unanswered"

    async def _calls_come(self) -> None:
        count = 0
        while await self._nap(0.2, 2.4):
            count += 1
            self._later(self._calls(f"1381{count:07d}"))

    async def _calls(self, number: str) -> None:
        caller = await self.centre.caller(number)
        dialled = self.chance.choice([ORDERS_DID, ORDERS_DID, MENU_DID])
        placed = Placed(number, dialled, time.time(), await caller.dial(dialled, CALLER_TONE))
        self.placed.append(placed)
        try:
            await self._nap(0.0, 4.0)
            if dialled == MENU_DID and placed.call.state == "up":
                placed.call.press(self.chance.choice("1239"))
            with contextlib.suppress(AssertionError):
                await placed.call.becomes("ended", self.chance.uniform(0.5, 25))
            placed.call.hangup()
            with contextlib.suppress(AssertionError):
                await placed.call.becomes("ended", 5)
        finally:
            placed.ended = time.time()
            caller.close()

    async def _faults(self) -> None:
        while await self._nap(10, 25):
            began = time.time()
            if self.chance.random() < 0.5:
                await self.centre.proxy.cut()
                await self._nap(0.3, 4)
                await self.centre.proxy.mend()
            else:
                self.centre.kill("engine")
            self.dark.stretches.append((began - 0.1, float("inf")))
            await linked(self.centre)
            self.dark.stretches[-1] = (began - 0.1, time.time() + SETTLED)

    def _later(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def linked(centre: OutsideCentre, deadline: float = 40.0) -> None:
    """Until the engine is there and knows its switch."""
    end = time.monotonic() + deadline
    while time.monotonic() < end:
        with contextlib.suppress(Exception):
            links = await centre.links()
            if links and all(links.values()):
                return
        await asyncio.sleep(0.1)
    raise AssertionError(f"no engine with a link within {deadline:g} s")
