"""A SIP client that keeps no rules: any request, any header, with or without a password; it tells all that came.

For what honest phones never do. One UDP socket; everything that waits has a deadline. It knows no switch.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from typing import Any, Self

from tests.fakes import sip
from tests.fakes.sip import SipMessage

HOST = "127.0.0.1"


class Stranger(asyncio.DatagramProtocol):
    """``async with Stranger(port_of_the_switch) as stranger``. ``got`` is every message that came, in order.

    ``at``: its own address and port; 0 is any.
    """

    def __init__(self, server: int, at: tuple[str, int] = (HOST, 0)) -> None:
        self.server, self._at = server, at
        self.got: list[SipMessage] = []
        self._changed = asyncio.Event()

    async def __aenter__(self) -> Self:
        await asyncio.get_running_loop().create_datagram_endpoint(lambda: self, local_addr=self._at)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._transport.close()

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]
        self._transport = transport
        self.port = int(transport.get_extra_info("sockname")[1])

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        message = sip.parse(data)
        if message is not None:
            self.got.append(message)
            if message.status >= 300 and message.cseq[1] == "INVITE":
                self._acknowledge(message)
            self._changed.set()

    def rung(self) -> list[SipMessage]:
        return [message for message in self.got if message.method == "INVITE"]

    async def until(self, condition: Callable[[], bool], what: str, deadline: float = 5.0) -> None:
        """Looked at once, and after each message that comes."""
        try:
            async with asyncio.timeout(deadline):
                while not condition():
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            raise AssertionError(f"not within {deadline} s: {what}; came: {[m.start for m in self.got]}") from None

    def send(self, data: bytes) -> None:
        self._transport.sendto(data, (HOST, self.server))

    async def ask(
        self,
        method: str,
        to: str = "8000",
        *,
        sender: str = "<sip:13800138000@stranger.invalid>",
        contact: str = "",
        extra: tuple[tuple[str, str], ...] = (),
        body: str = "",
        login: tuple[str, str] | None = None,
    ) -> SipMessage:
        """The final answer; with ``login`` (user, password) the one after the challenge. None within 5 s: fails."""
        call_id, uri = secrets.token_hex(8), f"sip:{to}@{HOST}"
        answer = await self._once(method, uri, call_id, 1, sender, contact, extra, body)
        if login is None or answer.status not in (401, 407):
            return answer
        name = "Authorization" if answer.status == 401 else "Proxy-Authorization"
        challenge = answer.get("www-authenticate") or answer.get("proxy-authenticate")
        credentials = (name, sip.digest(challenge, method, uri, *login))
        return await self._once(method, uri, call_id, 2, sender, contact, (*extra, credentials), body)

    def tell(
        self, method: str, to: str, *, sender: str, extra: tuple[tuple[str, str], ...] = (), body: str = ""
    ) -> None:
        """Send, and wait for nothing."""
        self._send(method, f"sip:{to}@{HOST}", secrets.token_hex(8), 1, sender, "", extra, body)

    async def _once(self, method: str, uri: str, call_id: str, cseq: int, *rest: Any) -> SipMessage:
        self._send(method, uri, call_id, cseq, *rest)
        return await self._answer(call_id, cseq, method)

    def _send(
        self,
        method: str,
        uri: str,
        call_id: str,
        cseq: int,
        sender: str,
        contact: str,
        extra: tuple[tuple[str, str], ...],
        body: str,
    ) -> None:
        head = [
            ("Via", f"SIP/2.0/UDP {HOST}:{self.port};branch=z9hG4bK{secrets.token_hex(8)};rport"),
            ("Max-Forwards", "70"),
            ("From", f"{sender};tag={secrets.token_hex(4)}"),
            ("To", f"<{uri}>"),
            ("Call-ID", call_id),
            ("CSeq", f"{cseq} {method}"),
            ("Contact", contact or f"<sip:stranger@{HOST}:{self.port}>"),
        ]
        self.send(sip.build(f"{method} {uri} SIP/2.0", [*head, *extra], body))

    async def _answer(self, call_id: str, cseq: int, method: str) -> SipMessage:
        def found() -> SipMessage | None:
            key = (call_id, (cseq, method))
            return next((m for m in self.got if m.status >= 200 and (m.call_id, m.cseq) == key), None)

        await self.until(lambda: found() is not None, f"an answer to {method}")
        message = found()
        assert message is not None
        return message

    def _acknowledge(self, message: SipMessage) -> None:
        head = [(name.title(), message.get(name)) for name in ("via", "from", "to", "call-id")]
        head += [("Max-Forwards", "70"), ("CSeq", f"{message.cseq[0]} ACK")]
        self.send(sip.build(f"ACK sip:x@{HOST} SIP/2.0", head))
