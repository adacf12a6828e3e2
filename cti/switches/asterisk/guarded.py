"""panoramisk behind guards: one connection to an Asterisk manager, used once, then thrown away.

What is guarded, each tried against panoramisk 1.4: unanswered actions are failed, never sent again; bytes are framed
before they are decoded; line ends are refused; every action has a deadline and is then forgotten; list or not is always
said; an event with the ActionID of an action that is still open is dispatched all the same; an error ends a list.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from typing import Any, cast

from panoramisk import Manager
from panoramisk.actions import Action as PanoramiskAction
from panoramisk.ami_protocol import AMIProtocol
from panoramisk.message import Message

from cti.domain.errors import DeadlineExceeded, LinkDown, SwitchError
from cti.switches.asterisk.wire import Action, Frame, FrameReader, FrameTooLong, check_action, text

log = logging.getLogger(__name__)


class LoginRefused(SwitchError):
    """The manager does not know this user and secret."""

    code = "switch.login_refused"


class GuardedProtocol(AMIProtocol):  # type: ignore[misc]
    """One connection's bytes. ``factory`` is the ``GuardedManager``."""

    responses: dict[str, Any]
    closed: bool

    def __init__(self, manager: GuardedManager) -> None:
        super().__init__()
        self._manager = manager
        self._reader = FrameReader()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.factory = self._manager
        self.encoding = "utf-8"
        self.log = log

    def data_received(self, data: bytes) -> None:
        try:
            frames = self._reader.feed(data)
        except FrameTooLong as error:
            log.error("%s: %s", self._manager.where, error)
            self.transport.abort()
            return
        for frame in frames:
            message = Message.from_line(frame.strip("\r\n"))
            if message is not None:
                self.handle_message(message)

    def handle_message(self, message: Any) -> None:
        action = self.responses.get(message.action_id) if message.action_id else None
        if action is None or ("event" in message and not action.as_list):
            if "event" in message:
                self._manager.dispatch(message)
            return
        if action.as_list and not action.responses and message.response not in Message.success_responses:
            self.forget(action)
            if not action.future.done():
                action.future.set_result([message])
        elif action.add_message(message):
            self.forget(action)

    def forget(self, action: Any) -> None:
        self.responses.pop(action.id, None)
        self.responses.pop(action.action_id, None)

    def connection_lost(self, exc: Exception | None) -> None:
        self.close()
        self._manager.connection_lost(exc)

    def close(self) -> None:
        """Fail what waits for an answer; nothing is kept to be sent again."""
        waiting, self.responses = list(self.responses.values()), {}
        for action in waiting:
            if not action.future.done():
                action.future.set_exception(LinkDown("the connection was lost before the answer"))
                action.future.exception()
        if not self.closed:
            self.closed = True
            self.transport.close()


class GuardedManager(Manager):  # type: ignore[misc]
    """``on_event`` gets every event that answers no list action; ``lost`` is done when the connection ends."""

    awaiting_actions: deque[Any]

    def __init__(self, host: str, port: int, on_event: Callable[[Frame], None], *, events: str = "on") -> None:
        super().__init__(host=host, port=port, events=events, log=log)
        self.where = f"{host}:{port}"
        self.lost: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._on_event = on_event

    async def open(self, username: str, secret: str, deadline: float) -> None:
        """Connect and log in. Raises ``OSError``, ``DeadlineExceeded``, ``LinkDown`` or ``LoginRefused``."""
        self.loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(deadline):
                _, self.protocol = await self.loop.create_connection(
                    lambda: GuardedProtocol(self), self.config["host"], self.config["port"]
                )
                login: Action = {"Action": "Login", "Username": username, "Secret": secret}
                answer = await self.act({**login, "Events": self.config["events"]}, deadline)
        except TimeoutError:
            raise DeadlineExceeded(f"{self.where} did not answer in {deadline:g} s") from None
        if text(answer, "Response") != "Success":
            raise LoginRefused(f"{self.where} refused the login of {username!r}: {text(answer, 'Message')}")
        self.authenticated = True

    async def act(self, action: Action, deadline: float) -> Frame:
        """Send one action, return its one answer (which may be an error). Raises as ``send``."""
        return cast(Frame, await self.wait(self.send(action), deadline))

    async def act_list(self, action: Action, deadline: float) -> list[Frame]:
        """Send an action that is answered by a list; return the list's events, none if it was refused."""
        answer = await self.wait(self.send(action, as_list=True), deadline)
        return [frame for frame in answer if "event" in frame and not text(frame, "Event").endswith("Complete")]

    def send(self, action: Action, as_list: bool = False) -> Any:
        """Put an action on the wire, now and in order. Raises ``CommandRefused`` or ``LinkDown``."""
        check_action(action)
        if self.protocol is None or self.protocol.closed:
            raise LinkDown(f"no connection to {self.where}")
        sent = PanoramiskAction(action, as_list=as_list)
        self.protocol.send(sent, as_list=as_list)
        return sent

    async def wait(self, sent: Any, deadline: float) -> Any:
        """The answer to what ``send`` gave. Raises ``DeadlineExceeded`` and forgets the action, or ``LinkDown``."""
        try:
            async with asyncio.timeout(deadline):
                return await sent.future
        except TimeoutError:
            raise DeadlineExceeded(f"{sent['action']} was not answered in {deadline:g} s") from None
        finally:
            if self.protocol is not None:
                self.protocol.forget(sent)

    @property
    def open_actions(self) -> int:
        return 0 if self.protocol is None else len(self.protocol.responses)

    def abort(self, reason: str) -> None:
        """Drop the connection at once."""
        if not self.lost.done():
            self.lost.set_result(reason)
        if self.protocol is not None:
            self.protocol.transport.abort()
            self.protocol.close()

    # -------------------------------------------------------- panoramisk's own ways, closed

    def dispatch(self, event: Any) -> list[str]:
        self._on_event(event)
        return []

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.lost.done():
            self.lost.set_result(str(exc) if exc else "closed by the switch")

    async def send_awaiting_actions(self, *_: object) -> None:
        self.awaiting_actions = deque()

    def send_action(self, action: Any, as_list: bool | None = None, **kwargs: Any) -> Any:
        return self.send({**action, **kwargs}, as_list=bool(as_list)).future
