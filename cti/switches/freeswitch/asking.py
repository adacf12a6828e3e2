"""Questions to FreeSWITCH and commands in the background: jobs, and what there is now. ``truth`` reads the answers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

from cti.domain.errors import ChannelGone, CommandRefused, DeadlineExceeded, LinkDown
from cti.switches.freeswitch import requests, trunks, truth
from cti.switches.freeswitch.channels import FsChannel
from cti.switches.freeswitch.link import EslLink
from cti.switches.freeswitch.wire import Event, event, text

GONE = ("no such channel", "cannot locate session", "invalid session", "invalid uuid")
DUMPS_TOGETHER = 2  # a dump takes about 1 ms, in which no other command is carried out
PAUSE, PAUSES_MOST = 0.004, 1.0  # seconds after two dumps, for commands of calls; and all such pauses together

JobDone = Callable[[str], None]


class Asking:
    """By the connection that ``link`` gives, which raises ``LinkDown`` where there is none. ``relayed``: see
    ``Snapshot.relayed``, as of the last ``dumps``."""

    def __init__(self, link: Callable[[], EslLink]) -> None:
        self._link = link
        self._jobs: dict[str, JobDone] = {}
        self.relayed: frozenset[str] = frozenset()

    def forget(self) -> None:
        """The connection is another one: what was asked by the last has no answer."""
        self._jobs = {}

    async def start_job(self, command: str, deadline: float, done: JobDone) -> None:
        """Accepted when this returns; ``done`` is called with the job's answer, if it comes before the link is lost."""
        name = requests.new_name("job")
        self._jobs[name] = done
        try:
            link = self._link()
            reply = (await link.wait(link.send(*requests.job(command, name)), deadline)).reply
            if not reply.startswith("+OK"):
                raise CommandRefused(f"{command.partition(' ')[0]}: {reply[:200]}")
        except BaseException:
            self._jobs.pop(name, None)
            raise

    def job_ended(self, told: Event) -> None:
        """The event ``BACKGROUND_JOB``."""
        done = self._jobs.pop(text(told, "Job-UUID"), None)
        if done is not None:
            done(text(told, "_body"))

    async def job(self, command: str, deadline: float) -> str:
        """A command in the background and its answer."""
        answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        link = self._link()

        def done(reply: str) -> None:
            if not answer.done():
                answer.set_result(reply)

        await self.start_job(command, deadline, done)
        lost = asyncio.ensure_future(asyncio.shield(link.lost))
        try:
            await asyncio.wait([answer, lost], timeout=deadline, return_when=asyncio.FIRST_COMPLETED)
            if answer.done():
                return answer.result()
            raise LinkDown(link.lost.result()) if link.lost.done() else DeadlineExceeded(f"{command} took too long")
        finally:
            lost.cancel()

    async def dumps(self, deadline: float, known: Callable[[], Iterable[str]]) -> list[tuple[FsChannel, Event]]:
        """Each live channel of ours as the switch sees it now. Those that are ``known`` when
        the list has come are asked for unlisted too. Commands of calls find their way in between."""
        listed = truth.listed(await self.job(truth.CHANNELS, deadline))
        link = self._link()
        found: list[Event] = []
        ids = [channel for channel in dict.fromkeys([*listed, *known()]) if _is_id(channel)]
        pause = min(PAUSE, PAUSES_MOST * DUMPS_TOGETHER / max(1, len(ids)))
        for start in range(0, len(ids), DUMPS_TOGETHER):
            tickets = [link.send(requests.dump(channel)) for channel in ids[start : start + DUMPS_TOGETHER]]
            frames = await asyncio.gather(*(link.wait(ticket, deadline) for ticket in tickets))
            dumped = [e for e in (event(frame.body) for frame in frames) if e is not None]
            found += [e for e in dumped if text(e, "Channel-State") not in truth.ENDING_STATES]
            await asyncio.sleep(pause)
        self.relayed = truth.relayed(found)
        for intruder in (e for e in found if truth.replaces(e)):
            link.send(requests.refuse(text(intruder, "Unique-ID")))
        pairs = ((truth.channel(e), e) for e in found)
        return [(chan, e) for chan, e in pairs if chan is not None]

    async def status(self, deadline: float) -> str:
        return (await self._link().act(truth.STATUS, deadline)).reply

    async def users(self, deadline: float) -> dict[str, bool]:
        return truth.devices(await self.job(truth.DEVICES, deadline))

    async def user(self, device: str, deadline: float) -> bool:
        """Whether this one is registered."""
        found = truth.devices(await self.job(f"{truth.DEVICES} user {device}", deadline))
        return found.get(device, False)

    async def places(self, deadline: float) -> dict[str, str]:
        return truth.places(await self.job(truth.REGISTRATIONS, deadline))

    async def gateways(self, deadline: float) -> str:
        return await self.job(trunks.GATEWAYS, deadline)


def _is_id(channel: str) -> bool:
    return bool(channel) and channel.isascii() and channel.isprintable() and " " not in channel and len(channel) <= 256


def raise_refusal(line: str, reply: str, chan: FsChannel) -> None:
    """What a command that was not carried out is answered by."""
    if not reply.startswith("-"):
        return
    if any(words in reply.lower() for words in GONE):
        raise ChannelGone(reply.strip(), channel=chan.id)
    raise CommandRefused(f"{' '.join(line.split(' ', 2)[:2])}: {reply.strip()[:200]}")
