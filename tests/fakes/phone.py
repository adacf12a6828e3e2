"""A small real SIP phone for tests: registers, is called, calls, holds, presses keys and listens, on UDP with RTP.

``SipPhone`` is one socket; each call is a ``PhoneCall``. Everything that waits has a deadline.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable
from typing import Self

from tests.fakes import sip
from tests.fakes.rtp import RtpStream
from tests.fakes.sip import SipMessage

HOST = "127.0.0.1"
PRIVATE_SIP, PRIVATE_RTP = 5060, 4000  # ports as a phone behind NAT knows them; the router shows others
AGAIN_AFTER = 0.5  # an INVITE that nobody took note of is sent again, each time twice as late (RFC 3261, T1)


class PhoneCall:
    """One dialog. ``state``: ``calling`` or ``ringing``, ``talking``, ``ended``; ``status`` is the last final one."""

    def __init__(self, phone: SipPhone, call_id: str, rtp: RtpStream, outgoing: bool) -> None:
        self.phone, self.call_id, self.rtp, self.outgoing = phone, call_id, rtp, outgoing
        self.state = "calling" if outgoing else "ringing"
        self.status = 0
        self.rang = not outgoing
        self.at = time.monotonic()
        self.invite: SipMessage | None = None
        self.notifies: list[SipMessage] = []
        self.tag = secrets.token_hex(4)
        self.local = self.remote = self.target = ""
        self.routes: list[str] = []
        self.cseq = 1
        self.branch = ""
        self.given_up = self.heard_of = False
        self.reinviting = False
        self.wanted: list[str] = []
        rtp.on_change = phone.changed

    # -------------------------------------------------------- what its user does

    def answer(self) -> None:
        assert self.invite is not None
        self.state = "talking"
        self._aim(self.invite)
        self.phone.respond(self.invite, "200 OK", self.tag, self.phone.sdp(self.rtp))
        self.phone.changed()

    def reject(self, status: str = "486 Busy Here") -> None:
        assert self.invite is not None
        self.phone.respond(self.invite, status, self.tag)
        self.ended()

    def hangup(self) -> None:
        """BYE in a call, CANCEL while calling; BYE also when the answer has crossed the CANCEL."""
        if self.state == "calling":
            self.given_up = True
            self.phone.cancel(self)
            return
        self.phone.send(self._request("BYE"))
        self.ended()

    def hold(self, held: bool = True) -> None:
        """Re-INVITE; one after the other, as RFC 3261 wants it."""
        self.wanted.append("sendonly" if held else "sendrecv")
        self._reinvite()

    def press(self, digits: str) -> None:
        self.rtp.press(digits)

    def say(self, hertz: float) -> Self:
        """Send this tone from now on (0: silence)."""
        self.rtp.hertz = hertz
        return self

    def request(self, method: str, headers: list[tuple[str, str]]) -> None:
        """Send any request in this dialog; nobody waits for the answer."""
        self.phone.send(self._request(method, extra=headers))

    async def until(self, state: str, deadline: float = 5.0) -> Self:
        await self.phone.until(lambda: self.state == state, f"call {state} (is {self.state} {self.status})", deadline)
        return self

    async def hears(self, hertz: float, deadline: float = 5.0) -> None:
        """From now on, not from before."""
        self.rtp.forget()
        await self.phone.until(lambda: self.rtp.hears(hertz), f"{hertz} Hz heard", deadline)

    async def hears_silence(self, deadline: float = 5.0) -> None:
        """Nothing audible came for 0.3 s."""
        end = asyncio.get_running_loop().time() + deadline
        while True:
            self.rtp.forget()
            await asyncio.sleep(0.3)
            if self.rtp.is_silent():
                return
            assert asyncio.get_running_loop().time() < end, f"phone {self.phone.user}: still hears sound"

    async def hears_sound(self, deadline: float = 5.0) -> None:
        self.rtp.forget()
        await self.phone.until(self.rtp.hears_sound, "any sound heard", deadline)

    # -------------------------------------------------------- protocol

    def ended(self) -> None:
        if self.state != "ended":
            self.state = "ended"
            self.rtp.close()
            self.phone.changed()

    def _reinvite(self) -> None:
        if self.wanted and not self.reinviting:
            self.reinviting = True
            self.phone.send(self._request("INVITE", self.phone.sdp(self.rtp, self.wanted.pop(0))))

    def _aim(self, message: SipMessage) -> None:
        address = message.rtp_address
        if address is not None:
            self.rtp.aim(*address)

    def confirm(self, message: SipMessage) -> None:
        """2xx to our INVITE: learn the dialog, acknowledge."""
        self.remote = message.get("to")
        self.target = message.get("contact").strip("<>").split(">")[0]
        self._aim(message)
        self.phone.send(self._request("ACK", cseq=message.cseq[0]))
        if self.state == "calling":
            self.state, self.status = "talking", 200
            self.phone.changed()
            if self.given_up:
                self.hangup()
        elif self.reinviting:
            self.reinviting = False
            self._reinvite()

    def learn(self, invite: SipMessage) -> None:
        """An INVITE to us: learn the dialog."""
        self.invite = invite
        self.remote = invite.get("from")
        self.local = f"{invite.get('to')};tag={self.tag}"
        self.target = invite.get("contact").strip("<>").split(">")[0]

    def _request(self, method: str, body: str = "", cseq: int = 0, extra: list[tuple[str, str]] | None = None) -> bytes:
        if not cseq:
            self.cseq += 1
        headers = [
            ("Via", self.phone.via(secrets.token_hex(8))),
            ("From", self.local),
            ("To", self.remote),
            ("Call-ID", self.call_id),
            ("CSeq", f"{cseq or self.cseq} {method}"),
            ("Contact", f"<sip:{self.phone.user}@{self.phone.place}>"),
            ("Max-Forwards", "70"),
            *(extra or []),
        ]
        return sip.build(f"{method} {self.target} SIP/2.0", headers, body)


class SipPhone(asyncio.DatagramProtocol):
    """Open with ``async with SipPhone(user, password, port=<of the switch>) as phone``.

    ``accept`` set to a function decides about each new call by itself; otherwise calls just ring. ``private`` is the
    address that a phone behind NAT has, and writes into all it sends: nobody reaches it there.
    """

    def __init__(
        self, user: str, password: str = "", *, server: int, local_port: int = 0, host: str = HOST, private: str = ""
    ) -> None:
        self.user, self.password, self.server, self.host, self.private = user, password, server, host, private
        self.calls: list[PhoneCall] = []
        self.accept: Callable[[PhoneCall], None] | None = None
        self.registered = False
        self._local_port = local_port
        self._by_id: dict[str, PhoneCall] = {}
        self._changed = asyncio.Event()
        self._answers: dict[tuple[str, str, int], bytes] = {}
        self._cseq = 0
        self._reg_id = secrets.token_hex(6)
        self._reg_done: asyncio.Future[SipMessage] | None = None
        self._invites: dict[str, Callable[[list[tuple[str, str]]], bytes]] = {}

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        await loop.create_datagram_endpoint(lambda: self, local_addr=(self.host, self._local_port))
        return self

    async def __aexit__(self, *_: object) -> None:
        for call in list(self._by_id.values()):
            if call.state in ("talking", "calling"):
                call.hangup()
            elif call.state == "ringing":
                call.reject("480 Temporarily Unavailable")
        try:
            await self.until(lambda: all(c.state == "ended" for c in self.calls), "all calls ended")
        finally:
            for call in self.calls:
                call.ended()
            self.transport.close()

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]
        self.transport = transport
        self.port = int(transport.get_extra_info("sockname")[1])

    # -------------------------------------------------------- what its user does

    async def register(self, expires: int = 300, deadline: float = 5.0) -> None:
        """Register, or with ``expires`` 0 take the registration back. Fails on any answer but 200."""
        uri = f"sip:{HOST}:{self.server}"
        extra: list[tuple[str, str]] = []
        for _ in range(2):
            self._cseq += 1
            self._reg_done = asyncio.get_running_loop().create_future()
            self.send(self._register(uri, expires, extra))
            answer = await asyncio.wait_for(self._reg_done, deadline)
            if answer.status == 200:
                self.registered = expires > 0
                return
            challenge = answer.get("www-authenticate")
            extra = [("Authorization", sip.digest(challenge, "REGISTER", uri, self.user, self.password))]
        raise AssertionError(f"REGISTER of {self.user}: {answer.start}")

    async def call(self, number: str, *, name: str = "", shown: str = "", to: str = "") -> PhoneCall:
        """Dial ``number``; return at once with the call. ``shown``, ``name`` and ``to`` go out as they are."""
        call = PhoneCall(self, secrets.token_hex(10), await RtpStream.open(HOST), outgoing=True)
        call.target = f"sip:{number}@{HOST}:{self.server}"
        call.local = f'"{name}" <sip:{shown or self.user}@{HOST}>;tag={call.tag}'
        call.remote = f"<{to or call.target}>"
        self._by_id[call.call_id] = call
        self.calls.append(call)
        call.branch = secrets.token_hex(8)
        self._dial(call, self._invite(call, []), AGAIN_AFTER)
        return call

    def _dial(self, call: PhoneCall, invite: bytes, again_after: float) -> None:
        if not call.heard_of and not call.given_up:
            self.send(invite)
            asyncio.get_running_loop().call_later(again_after, self._dial, call, invite, 2 * again_after)

    async def rings(self, deadline: float = 5.0, index: int = -1, count: int = 1) -> PhoneCall:
        """The newest call that this phone was offered; waits for it."""
        await self.until(lambda: len(self.incoming()) >= count, f"{self.user} rings", deadline)
        return self.incoming()[index]

    def incoming(self) -> list[PhoneCall]:
        return [c for c in self.calls if not c.outgoing]

    async def until(self, condition: Callable[[], bool], what: str, deadline: float = 5.0) -> None:
        try:
            async with asyncio.timeout(deadline):
                while not condition():
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            raise AssertionError(f"phone {self.user}: not within {deadline} s: {what}") from None

    # -------------------------------------------------------- protocol

    @property
    def place(self) -> str:
        """Where it says that it is."""
        return f"{self.private}:{PRIVATE_SIP}" if self.private else f"{self.host}:{self.port}"

    def via(self, branch: str) -> str:
        """Behind NAT as simple phones have it, that do not ask for answers where the request came from (RFC 3581)."""
        return f"SIP/2.0/UDP {self.place};branch=z9hG4bK{branch}{'' if self.private else ';rport'}"

    def sdp(self, rtp: RtpStream, direction: str = "sendrecv") -> str:
        return sip.sdp(self.private or HOST, PRIVATE_RTP if self.private else rtp.port, direction)

    def changed(self) -> None:
        self._changed.set()

    def send(self, data: bytes) -> None:
        if not self.transport.is_closing():
            self.transport.sendto(data, (HOST, self.server))

    def respond(self, request: SipMessage, status: str, tag: str, body: str = "") -> None:
        contact = [("Contact", f"<sip:{self.user}@{self.place}>")]
        data = sip.reply(request, status, tag, contact, body)
        self._answers[(request.call_id, request.cseq[1], request.cseq[0])] = data
        self.send(data)

    def cancel(self, call: PhoneCall) -> None:
        headers = self._head(call.branch, call.local, call.remote, call.call_id, f"{call.cseq} CANCEL")
        self.send(sip.build(f"CANCEL {call.target} SIP/2.0", headers))

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        message = sip.parse(data)
        if message is None:
            return
        if message.status:
            self._response(message)
        else:
            self._request(message)
        self.changed()

    def _response(self, message: SipMessage) -> None:
        method = message.cseq[1]
        if method == "REGISTER":
            if self._reg_done and not self._reg_done.done() and message.status >= 200:
                self._reg_done.set_result(message)
            return
        call = self._by_id.get(message.call_id)
        if call is None or method != "INVITE":
            return
        call.heard_of = True
        if message.status < 200:
            call.rang = call.rang or message.status in (180, 183)
        elif message.status < 300:
            call.confirm(message)
        else:
            self._refused(call, message)

    def _refused(self, call: PhoneCall, message: SipMessage) -> None:
        ack = self._head(call.branch, call.local, message.get("to"), call.call_id, f"{message.cseq[0]} ACK")
        self.send(sip.build(f"ACK {call.target} SIP/2.0", ack))
        challenge = message.get("www-authenticate") or message.get("proxy-authenticate")
        if message.status in (401, 407) and call.status not in (401, 407):
            call.status = message.status
            name = "Authorization" if message.status == 401 else "Proxy-Authorization"
            call.cseq += 1
            call.branch = secrets.token_hex(8)
            self.send(
                self._invite(call, [(name, sip.digest(challenge, "INVITE", call.target, self.user, self.password))])
            )
        elif call.state == "calling":
            call.status = message.status
            call.ended()

    def _request(self, message: SipMessage) -> None:
        cached = self._answers.get((message.call_id, message.cseq[1], message.cseq[0]))
        call = self._by_id.get(message.call_id)
        if message.method == "ACK":
            return
        if cached is not None and message.method != "CANCEL":
            self.send(cached)
        elif message.method == "INVITE" and call is None:
            task = asyncio.get_running_loop().create_task(self._offered(message))
            self._answers[(message.call_id, "INVITE", message.cseq[0])] = sip.reply(message, "100 Trying", "x")
            task.add_done_callback(lambda t: t.exception())
        elif message.method == "INVITE" and call is not None:
            call._aim(message)
            self.respond(message, "200 OK", call.tag, self.sdp(call.rtp))
        else:
            self.respond(message, "200 OK", call.tag if call else "x")
            if call is not None:
                self._in_dialog(call, message)

    def _in_dialog(self, call: PhoneCall, message: SipMessage) -> None:
        if message.method == "BYE":
            call.ended()
        elif message.method == "CANCEL" and call.state == "ringing" and call.invite:
            self.respond(call.invite, "487 Request Terminated", call.tag)
            call.ended()
        elif message.method == "NOTIFY":
            call.notifies.append(message)
            if message.get("event") == "talk" and call.state == "ringing":
                call.answer()

    async def _offered(self, message: SipMessage) -> None:
        call = PhoneCall(self, message.call_id, await RtpStream.open(HOST), outgoing=False)
        call.learn(message)
        self._by_id[message.call_id] = call
        self.respond(message, "180 Ringing", call.tag)
        self.calls.append(call)
        if self.accept is not None:
            self.accept(call)
        self.changed()

    def _head(self, branch: str, local: str, remote: str, call_id: str, cseq: str) -> list[tuple[str, str]]:
        return [
            ("Via", self.via(branch)),
            ("Max-Forwards", "70"),
            ("From", local),
            ("To", remote),
            ("Call-ID", call_id),
            ("CSeq", cseq),
            ("Contact", f"<sip:{self.user}@{self.place}>"),
        ]

    def _register(self, uri: str, expires: int, extra: list[tuple[str, str]]) -> bytes:
        aor = f"<sip:{self.user}@{HOST}>"
        head = self._head(secrets.token_hex(8), f"{aor};tag=r", aor, self._reg_id, f"{self._cseq} REGISTER")
        return sip.build(f"REGISTER {uri} SIP/2.0", [*head, ("Expires", str(expires)), *extra])

    def _invite(self, call: PhoneCall, extra: list[tuple[str, str]]) -> bytes:
        head = self._head(call.branch, call.local, call.remote, call.call_id, f"{call.cseq} INVITE")
        return sip.build(f"INVITE {call.target} SIP/2.0", [*head, *extra], self.sdp(call.rtp))
