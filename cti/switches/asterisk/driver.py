"""The Asterisk driver: keeps one manager connection, sends commands, reports events. See ``cti.switches.base``.

Meaning is in ``translate`` (frames to events) and ``commands`` (commands to actions); here are the connection, its
deadlines and the order of things after a connect: the switch's truth first, then ``LinkUp``, then events.
"""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections.abc import Callable
from typing import Any

from cti.domain.errors import ChannelGone, CommandRefused, DeadlineExceeded, LinkDown, SwitchError
from cti.domain.switch.commands import Command
from cti.domain.switch.events import PlayEnd, PlayFinished, SwitchEvent
from cti.domain.switch.snapshot import Snapshot
from cti.domain.switch.terms import Cause
from cti.switches.asterisk import capabilities, commands, requests, trunks, truth
from cti.switches.asterisk.channels import AstChannel, Devices
from cti.switches.asterisk.digits import DigitSender
from cti.switches.asterisk.guarded import GuardedManager, LoginRefused
from cti.switches.asterisk.lines import LINES_MODULE, SHOW, AstLines, lines
from cti.switches.asterisk.silence import SilenceWatch
from cti.switches.asterisk.translate import Translator
from cti.switches.asterisk.trunks import AstTrunks
from cti.switches.asterisk.wire import Action, Frame, text, texts
from cti.switches.base import EventSink
from cti.switches.checks import check_command
from cti.switches.linked import LinkedSwitch

log = logging.getLogger(__name__)

CONNECT_DEADLINE = 5.0
BOOT_DEADLINE = 60.0
PING_EVERY, PING_DEADLINE = 1.0, 2.5
STOP_AGAIN, STOP_TRIES = 0.1, 20
OVERTAKEN = 0.3  # seconds by which a channel's events may be behind the outcome of its dialling
_NO_CHANNEL = re.compile(r"no such channel|channel (does )?not exist|channel .*not found|not in async agi", re.I)


class AsteriskSwitch(LinkedSwitch[AstChannel]):
    """``prompts_dir`` and ``spool_dir`` are paths as the switch sees them. The manager user needs the classes
    system, call, dtmf, agi, reporting, originate."""

    def __init__(
        self,
        name: str = "asterisk",
        *,
        host: str,
        port: int,
        username: str,
        secret: str,
        prompts_dir: str,
        spool_dir: str,
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(name, prompts_dir, spool_dir, clock)
        self.capabilities = capabilities.OPEN
        self.digits = DigitSender(host, port, username, secret)
        self.silence = SilenceWatch(self)
        self._address, self._login = (host, port), (username, secret)
        self._translator = Translator()
        self._manager: GuardedManager | None = None
        self._early: list[Frame] = []
        self._booted = asyncio.Event()
        self._began: float | None = None
        self._has_lines = False

    # ------------------------------------------------------------ the contract

    async def start(self, sink: EventSink) -> None:
        self._keep_up(sink)

    async def stop(self) -> None:
        await self._give_up()
        await self.digits.stop()
        await self.silence.stop()

    async def execute(self, command: Command, deadline: float = 5.0) -> None:
        if not self._up:
            raise LinkDown(f"{self.name}: no connection")
        check_command(command)
        try:
            await commands.HANDLERS[type(command)](self, command, deadline)
        except TimeoutError:
            raise DeadlineExceeded(f"{type(command).__name__} took more than {deadline:g} s") from None

    async def snapshot(self, deadline: float = 5.0) -> Snapshot:
        manager = self._connected()
        status, devices, found = await self._truth(manager, deadline)
        await self.show_lines(deadline)
        at = self.clock()
        self.lines.tell(found)
        found.goes_on_from(self._translator.trunks)
        self._translator.trunks = found
        for changed in found.changes(at):
            self.report(changed)
        relayed = frozenset(truth.relays(status))
        registered = devices.registered() | self.lines.devices()
        up_for = None if self._began is None else at - self._began
        return Snapshot(at, truth.snapshot(status), registered, found.states(), relayed, up_for)

    async def show_lines(self, deadline: float) -> AstLines:
        """The lines of DAHDI boards as they are now; what changed is reported. None where Asterisk has no driver."""
        if self._has_lines:
            self._lines_are(lines(await self._connected().act_list(SHOW, deadline)))
        return self.lines

    def _lines_are(self, found: AstLines) -> None:
        found.spans = self.lines.spans
        before, self._translator.lines = self.lines.devices(), found
        for changed in self._translator.lines_changed(before, self.clock()):
            self.report(changed)

    # ------------------------------------------------------------ used by commands

    @property
    def lines(self) -> AstLines:
        return self._translator.lines

    @property
    def channels(self) -> dict[str, AstChannel]:
        return self._translator.channels

    def place(self, device: str) -> str:
        """Where its phone is, as events say; see ``Devices.address``."""
        return self._translator.devices.address(device)

    async def relay(self, channel: str, deadline: float) -> truth.Relay | None:
        """What carries a channel of another switch to a phone here. Nothing does for one that was dialled here."""
        if channel in self._dialled:
            return None
        return truth.relays(await self._connected().act_list(truth.STATUS, deadline)).get(channel)

    def peer(self, chan: AstChannel) -> AstChannel | None:
        return self._translator.bridged_with(chan)

    def not_parted(self, *channels: AstChannel) -> None:
        """Asterisk refused to take them out of their bridge: it may have ended by itself meanwhile."""
        for event in self._translator.not_parted(channels, self.clock()):
            self.report(event)

    async def ask(self, action: Action, deadline: float) -> Frame:
        """One action, one answer. Raises as ``Switch.execute``."""
        answer = await self._connected().act(action, deadline)
        _raise_refusal(action, answer)
        return answer

    async def ask_all(self, chan: AstChannel, actions: list[Action], deadline: float) -> list[Frame]:
        """Send all now, in order, then await all answers. Raises the first refusal."""
        manager = self._connected()
        sent = [manager.send(action) for action in actions]
        answers: list[Frame] = []
        for result in await asyncio.gather(*(manager.wait(one, deadline) for one in sent), return_exceptions=True):
            if isinstance(result, BaseException):
                raise result
            answers.append(result)
        for action, answer in zip(actions, answers, strict=True):
            if chan.id not in self.channels and text(answer, "Response") != "Success":
                raise ChannelGone(f"channel {chan.id} is gone", channel=chan.id)
            _raise_refusal(action, answer)
        return answers

    def watch_stop(self, chan: AstChannel) -> None:
        """See to it that the prompts now pending on ``chan`` end: a stop between two prompts would be lost."""
        waiting = [i for i, p in chan.pending.items() if p.playback is not None]
        self._stop_again(chan, waiting, STOP_TRIES)

    def _stop_again(self, chan: AstChannel, waiting: list[str], tries: int) -> None:
        def again() -> None:
            still = [i for i in waiting if i in chan.pending]
            if still and tries and self._up and chan.id in self.channels:
                self._send(requests.stop(chan))
                self._stop_again(chan, still, tries - 1)

        asyncio.get_running_loop().call_later(STOP_AGAIN, again)

    # ------------------------------------------------------------ the connection

    def _connected(self) -> GuardedManager:
        if self._manager is None:
            raise LinkDown(f"{self.name}: no connection")
        return self._manager

    def _send(self, action: Action) -> None:
        """An action of our own whose answer nobody waits for; it is forgotten when answered, or with the connection."""
        try:
            self._connected().send(action)
        except SwitchError as error:
            log.warning("%s: %s not sent: %s", self.name, action["Action"], error)

    async def _one_connection(self) -> str:
        """Connect, learn the truth, serve; return why it ended."""
        self._booted.clear()
        self._began = None
        self._early = []
        manager = GuardedManager(*self._address, on_event=self._on_frame)
        self._manager = manager
        try:
            await manager.open(*self._login, CONNECT_DEADLINE)
            await self._wait_booted(manager)
            ended = await self._learn(manager)
            self._is_up(manager.where, ended)
            early, self._early = self._early, []
            for frame in early:
                self._apply(frame)
            return await self._ping(manager)
        except LoginRefused as error:
            return f"{error} (check the manager user and secret in the settings)"
        except (OSError, SwitchError) as error:
            return str(error) or type(error).__name__
        finally:
            self._manager = None
            manager.abort("closed by us")

    async def _wait_booted(self, manager: GuardedManager) -> None:
        """Until Asterisk has loaded everything. A switch that filters the event away is taken to be ready."""
        answer = await manager.act({"Action": "CoreStatus"}, CONNECT_DEADLINE)
        if not text(answer, "CoreReloadDate").startswith(("1969", "1970")):
            return
        booted = asyncio.create_task(self._booted.wait())
        waits: list[asyncio.Future[Any]] = [booted, manager.lost]
        try:
            await asyncio.wait(waits, timeout=BOOT_DEADLINE, return_when=asyncio.FIRST_COMPLETED)
        finally:
            booted.cancel()

    async def _learn(self, manager: GuardedManager) -> list[SwitchEvent]:
        """Build the channel table anew from the switch; return how plays ended that nobody will hear of any more."""
        before = self.channels
        known = await manager.act({"Action": "ListCommands"}, CONNECT_DEADLINE)
        self.capabilities = capabilities.of_actions(dict(known))
        self._has_lines = SHOW["Action"] in known
        self._early = []
        status, devices, found = await self._truth(manager, CONNECT_DEADLINE)
        fresh = Translator()
        fresh.devices, fresh.trunks = devices, found
        if self._has_lines:
            fresh.lines = lines(await manager.act_list(SHOW, CONNECT_DEADLINE))
            fresh.lines.tell(found)
        pairs = [(chan, frame) for frame in status if (chan := truth.channel(frame)) is not None]
        truth.spied_on(pairs)
        for chan, _ in pairs:
            fresh.channels[chan.id] = chan
            if chan.bridge:
                fresh.put_in_bridge(chan, chan.bridge)
        self._translator = fresh
        return self._interrupted(before)

    async def _truth(self, manager: GuardedManager, deadline: float) -> tuple[list[Frame], Devices, AstTrunks]:
        status, endpoints, contacts, registrations = await asyncio.gather(
            manager.act_list(truth.STATUS, deadline),
            manager.act_list(truth.ENDPOINTS, deadline),
            manager.act_list(truth.CONTACTS, deadline),
            manager.act_list(truth.REGISTRATIONS, deadline),
        )
        asked = [manager.act_list(action, deadline) for action in trunks.details(endpoints)]
        told = [frame for frames in await asyncio.gather(*asked) for frame in frames]
        return status, truth.devices(endpoints, contacts), trunks.trunks(endpoints, told, registrations)

    def _interrupted(self, before: dict[str, AstChannel]) -> list[SwitchEvent]:
        lost: list[SwitchEvent] = []
        for old in before.values():
            chan = self.channels.get(old.id)
            for pending in old.pending.values():
                if pending.done is not None:
                    pending.done()
            if chan is None:
                continue
            chan.hangup_asked, chan.music = old.hangup_asked, old.music
            chan.recordings = chan.recordings or old.recordings
            if old.playback is not None and not old.playback.over:
                old.playback.over = True
                lost.append(PlayFinished(self.clock(), old.id, old.playback.play_id, PlayEnd.FAILED))
        return lost

    async def _ping(self, manager: GuardedManager) -> str:
        while True:
            done, _ = await asyncio.wait([manager.lost], timeout=PING_EVERY)
            if done:
                return manager.lost.result()
            await manager.act({"Action": "Ping"}, PING_DEADLINE)

    def _on_frame(self, frame: Frame) -> None:
        if text(frame, "Event") == "FullyBooted":
            up_for = truth.up_for(frame)
            self._began = None if up_for is None else self.clock() - up_for
            self._booted.set()
            return
        if text(frame, "Event") in ("Load", "Unload") and text(frame, "Module") == LINES_MODULE:
            self._has_lines = text(frame, "Event") == "Load"
            if not self._has_lines:
                self.lines.spans.clear()
                self._lines_are(AstLines())
        if self._up:
            self._apply(frame)
        else:
            self._early.append(frame)

    def _apply(self, frame: Frame) -> None:
        try:
            step = self._translator.feed(frame, self.clock())
        except Exception:
            log.exception("%s: event %s not understood", self.name, text(frame, "Event")[:40])
            return
        for action in step.actions:
            self._send(action)
        for event in step.events:
            self.report(event)
        for chan in step.silent:
            self.silence.fell(chan)
        for chan, cause in step.failed:
            asyncio.get_running_loop().call_later(OVERTAKEN, self._never_was, chan, cause)

    def _never_was(self, chan: AstChannel, cause: Cause) -> None:
        for event in self._translator.never_was(chan, cause, self.clock()) if self._up else ():
            self.report(event)


def _raise_refusal(action: Action, answer: Any) -> None:
    if text(answer, "Response") in ("Success", "Follows"):
        return
    message = text(answer, "Message") or ", ".join(texts(answer, "Output"))
    if _NO_CHANNEL.search(message):
        raise ChannelGone(message, channel=action.get("Channel", ""))
    raise CommandRefused(f"{action['Action']}: {message}")
