"""The FreeSWITCH driver: keeps one event socket, sends commands, reports events. See ``cti.switches.base``.

Meaning is in ``translate`` (events to events) and ``commands`` (commands to lines); here are the connection, its
deadlines and the order of things after a connect: the switch's truth first, then ``LinkUp``, then events.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine, Iterable

from cti.domain.errors import DeadlineExceeded, LinkDown, SwitchError
from cti.domain.switch.commands import Command
from cti.domain.switch.events import DeviceRegistered, PlayEnd, PlayFinished, SwitchEvent
from cti.domain.switch.snapshot import Snapshot
from cti.switches.base import EventSink
from cti.switches.checks import check_command
from cti.switches.freeswitch import capabilities, commands, requests, truth
from cti.switches.freeswitch.asking import Asking, raise_refusal
from cti.switches.freeswitch.capture import Capture, Dialog
from cti.switches.freeswitch.channels import FsChannel
from cti.switches.freeswitch.guarded import LoginRefused
from cti.switches.freeswitch.link import EslLink, HubThread
from cti.switches.freeswitch.translate import Translator
from cti.switches.freeswitch.watch import Watch
from cti.switches.freeswitch.wire import Event, text
from cti.switches.linked import LinkedSwitch

log = logging.getLogger(__name__)

CONNECT_DEADLINE = 5.0
PING_EVERY, PING_DEADLINE = 1.0, 2.5
LOOK_AGAIN = (0.0, 0.2, 0.5, 1.0, 3.0)
LIST_LAG = 0.45  # FreeSWITCH writes its list of channels five times a second


class FreeSwitch(LinkedSwitch[FsChannel]):
    """``prompts_dir`` and ``spool_dir`` are paths as the switch sees them.

    ``capture_port``: where it sends copies of SIP messages (UDP, this machine); 0: it does not.
    """

    def __init__(
        self,
        name: str = "freeswitch",
        *,
        host: str,
        port: int,
        password: str,
        prompts_dir: str,
        spool_dir: str,
        capture_port: int = 0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(name, prompts_dir, spool_dir, clock)
        self.capabilities = capabilities.OPEN
        self._address, self._password = (host, port), password
        self._translator = Translator(self.recording_file)
        self.asking = Asking(self._connected)
        self.watch = Watch(self._send, self._there)
        self._capture = Capture(capture_port, self._leaves)
        self._thread: HubThread | None = None
        self._link: EslLink | None = None
        self._early: list[Event] = []
        self._lookups: set[asyncio.Task[None]] = set()

    # ------------------------------------------------------------ the contract

    async def start(self, sink: EventSink) -> None:
        self._thread = HubThread(f"esl {self.name}")
        self._thread.start()
        await self._capture.open()
        self._keep_up(sink)

    async def stop(self) -> None:
        self._sink = None
        for task in list(self._lookups):
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        await self._give_up()
        self._capture.close()
        if self._thread is not None:
            await asyncio.to_thread(self._thread.stop)
            self._thread = None

    async def execute(self, command: Command, deadline: float = 5.0) -> None:
        if not self._up:
            raise LinkDown(f"{self.name}: no connection")
        check_command(command)
        await commands.HANDLERS[type(command)](self, command, deadline)

    async def snapshot(self, deadline: float = 5.0) -> Snapshot:
        try:
            async with asyncio.timeout(deadline):
                dumps, users, places = await self._what_is(deadline)
                self._translator.trunks.read(await self.asking.gateways(deadline))
                up_for = truth.up_for(await self.asking.status(deadline))
        except TimeoutError:
            raise DeadlineExceeded(f"no snapshot within {deadline:g} s") from None
        at = self.clock()
        fresh = {device: place for device, place in places.items() if device not in self._translator.places}
        self._translator.places.update(fresh)
        self._note_places(fresh)
        for device, registered in users.items():
            for changed in self._translator.registered(device, registered, at):
                self.report(changed)
        for one in self._translator.trunks.changes(at):
            self.report(one)
        dumps = [(chan, dump) for chan, dump in dumps if chan.id not in self._translator.gone]
        for chan, _ in dumps:
            self.channels.setdefault(chan.id, chan)
            if chan.controlled and chan.answered:
                for parked in self._translator.seen_parked(chan.id, at):
                    self.report(parked)
        states = self._translator.trunks.states()
        return Snapshot(at, truth.snapshot(dumps, at), users, states, self.asking.relayed, up_for)

    def backlog(self) -> tuple[int, int]:
        """See ``cti.switches.base.Queued``."""
        if self._link is None:
            return 0, 0
        counts = self._link.counts
        return counts.handed - counts.taken, counts.most_waiting

    # ------------------------------------------------------------ used by commands

    @property
    def channels(self) -> dict[str, FsChannel]:
        return self._translator.channels

    def place(self, device: str) -> str:
        """Where a registered device is to be rung, as a SIP URI; empty if it is not registered."""
        return self._translator.places.get(device, "")

    async def ask(self, chan: FsChannel, deadline: float, *messages: tuple[str, ...]) -> None:
        """Send all now, in order, then await all replies. Raises the first refusal."""
        link = self._connected()
        sent = [link.send(*lines) for lines in messages]
        results = await asyncio.gather(*(link.wait(one, deadline) for one in sent), return_exceptions=True)
        for lines, result in zip(messages, results, strict=True):
            if isinstance(result, BaseException):
                raise result
            raise_refusal(lines[0], result.reply, chan)

    def originated(self, chan: FsChannel, reply: str) -> None:
        """The end of an ``originate``, seen by its job."""
        if self.channels.get(chan.id) is chan and reply.startswith("-"):
            for one in self._translator.not_originated(chan, reply, self.clock()):
                self.report(one)

    def _leaves(self, dialog: Dialog) -> None:
        """The far side has said BYE, which its session will see with its next frame."""
        for one in self._translator.leaves(dialog, self.clock()):
            self.report(one)
            self.watch.end(self.channels[one.channel])

    # ------------------------------------------------------------ the connection

    def _there(self, chan: FsChannel) -> bool:
        return self._up and self.channels.get(chan.id) is chan

    def _connected(self) -> EslLink:
        if self._link is None:
            raise LinkDown(f"{self.name}: no connection")
        return self._link

    def _send(self, line: str) -> None:
        """A command of our own whose reply nobody waits for."""
        try:
            link = self._connected()
            ticket = link.send(line)
            ticket.add_done_callback(lambda done: link.waiting.pop(id(done), None))
        except SwitchError as error:
            log.warning("%s: %s not sent: %s", self.name, line.split(" ", 2)[:2], error)

    async def _one_connection(self) -> str:
        """Connect, learn the truth, serve; return why it ended."""
        self._early = []
        self.asking.forget()
        assert self._thread is not None, "started"
        link = EslLink(self._thread, *self._address, self._password, self._on_event)
        self._link = link
        try:
            await link.open(CONNECT_DEADLINE)
            await link.act(requests.EVENTS, CONNECT_DEADLINE)
            ended = await self._learn()
            self._is_up(link.where, ended)
            early, self._early = self._early, []
            for waiting in early:
                self._apply(waiting)
            link.urge(bool(self.channels))
            if self._capture.wanted:
                self._send(requests.CAPTURE if self._capture.listening else requests.NO_CAPTURE)
            return await self._ping(link)
        except LoginRefused as error:
            return f"{error} (check the event socket's password in the settings)"
        except (OSError, SwitchError) as error:
            return str(error) or type(error).__name__
        finally:
            self._link = None
            link.abort("closed by us")

    async def _learn(self) -> list[SwitchEvent]:
        """Build the channel table anew from the switch; return how plays ended that nobody will hear of any more."""
        before = self.channels
        fresh = Translator(self.recording_file)
        if truth.sessions(await self.asking.status(CONNECT_DEADLINE)) != 0:
            await asyncio.sleep(LIST_LAG)  # of a channel that is made from now on there is an event
        told = [text(e, "Unique-ID") for e in self._early]
        self._early = []
        dumps, users, places = await self._what_is(CONNECT_DEADLINE, told)
        fresh.devices, fresh.places, fresh.trunks = users, places, self._translator.trunks
        self._note_places(places)
        for chan, _ in dumps:
            fresh.channels[chan.id] = chan
        for chan in fresh.channels.values():
            if chan.peer not in fresh.channels:
                chan.peer = ""
        self._translator = fresh
        return self._interrupted(before)

    def _interrupted(self, before: dict[str, FsChannel]) -> list[SwitchEvent]:
        lost: list[SwitchEvent] = []
        for old in before.values():
            chan = self.channels.get(old.id)
            if chan is None:
                continue
            chan.hangup_asked = old.hangup_asked
            chan.recordings = chan.recordings or old.recordings
            sound = old.sound
            if sound is not None and sound.play_id and not sound.over:
                sound.over = True
                lost.append(PlayFinished(self.clock(), old.id, sound.play_id, PlayEnd.FAILED))
        return lost

    async def _what_is(
        self, deadline: float, told: Iterable[str] = ()
    ) -> tuple[list[tuple[FsChannel, Event]], dict[str, bool], dict[str, str]]:
        """Channels, whether each device is registered, and from where. Of channels also those we know or were told."""
        ask = self.asking
        return await asyncio.gather(
            ask.dumps(deadline, lambda: [*told, *self.channels]), ask.users(deadline), ask.places(deadline)
        )

    def _note_places(self, places: dict[str, str]) -> None:
        for device, place in places.items():
            for line in requests.note_place(device, place):
                self._send(line)

    async def _ping(self, link: EslLink) -> str:
        while True:
            done, _ = await asyncio.wait([link.lost], timeout=PING_EVERY)
            if done:
                return link.lost.result()
            await link.ping(PING_DEADLINE)

    def _on_event(self, event: Event) -> None:
        if text(event, "Event-Name") == "BACKGROUND_JOB":
            self.asking.job_ended(event)
        elif self._up:
            self._apply(event)
        else:
            self._early.append(event)

    def _apply(self, event: Event) -> None:
        try:
            step = self._translator.feed(event, self.clock())
        except Exception:
            log.exception("%s: event %s not understood", self.name, text(event, "Event-Name")[:40])
            return
        for line in step.actions:
            self._send(line)
        for one in step.events:
            if isinstance(one, DeviceRegistered) and one.registered:
                self._in_background(self._tell_registered(one))
            else:
                self.report(one)
        for device in step.lookups:
            self._in_background(self._ask_registration(device))
        for chan in step.stranded:
            self.watch.park(chan)
        if self._link is not None:
            self._link.urge(bool(self.channels))

    def _in_background(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._lookups.add(task)
        task.add_done_callback(self._lookups.discard)

    async def _tell_registered(self, event: DeviceRegistered) -> None:
        """When the dialplan knows where it is: another switch may ring it at once."""
        try:
            link = self._connected()
            lines = requests.note_place(event.device, self.place(event.device))
            for ticket in [link.send(line) for line in lines]:
                await link.wait(ticket, CONNECT_DEADLINE)
        except SwitchError as error:
            log.warning("%s: place of %s not noted: %s", self.name, event.device, error)
        if self._translator.devices.get(event.device, False):
            self.report(event)

    async def _ask_registration(self, device: str) -> None:
        """One contact of a device goes away; it may have another. FreeSWITCH tells before it forgets the contact.

        A registration that is told meanwhile is newer than the answer.
        """
        before = self._translator.registrations[device]
        for wait in LOOK_AGAIN:
            await asyncio.sleep(wait)
            try:
                there = await self.asking.user(device, CONNECT_DEADLINE)
            except SwitchError as error:
                log.warning("%s: registration of %s not known: %s", self.name, device, error)
                return
            if self._translator.registrations[device] != before:
                return
            if not there:
                for one in self._translator.registered(device, False, self.clock()):
                    self.report(one)
                return
