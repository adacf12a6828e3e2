"""A small SIP user agent (RFC 3261 over UDP on loopback) for what sipp cannot do: a phone and a caller that a test
steers step by step. Not a general SIP stack: one transport, one codec, few retransmissions."""

from __future__ import annotations

import asyncio
import hashlib
import re
import secrets
import time
from dataclasses import dataclass, field

from tests.e2e.rig.rtp import RtpStream


@dataclass(slots=True)
class SipMessage:
    start: str
    headers: list[tuple[str, str]]
    body: str = ""
    at: float = field(default_factory=time.time)

    @classmethod
    def parse(cls, data: bytes) -> SipMessage:
        head, _, body = data.decode("utf-8", "replace").partition("\r\n\r\n")
        start, *lines = head.split("\r\n")
        return cls(start, [(n.strip(), v.strip()) for n, _, v in (line.partition(":") for line in lines)], body)

    def get(self, name: str) -> str:
        return next((v for n, v in self.headers if n.lower() == name.lower()), "")

    def all(self, name: str) -> list[tuple[str, str]]:
        return [(n, v) for n, v in self.headers if n.lower() == name.lower()]

    @property
    def method(self) -> str:
        return "" if self.start.startswith("SIP/2.0") else self.start.split(" ", 1)[0]

    @property
    def status(self) -> int:
        return int(self.start.split(" ")[1]) if self.start.startswith("SIP/2.0") else 0


class SipCall:
    """One dialogue. ``events`` keeps what happened: (name, epoch seconds); ``state`` is trying, ringing, up, ended."""

    def __init__(self, phone: SipPhone, call_id: str, incoming: bool) -> None:
        self.phone, self.call_id, self.incoming = phone, call_id, incoming
        self.state = "trying"
        self.status = 0
        self.events: list[tuple[str, float]] = []
        self.rtp: RtpStream | None = None
        self.local = self.remote = self.remote_target = ""
        self.routes: list[str] = []
        self.cseq = 1
        self.invite: SipMessage | None = None
        self.branch = ""
        self._changed = asyncio.Event()

    # ------------------------------------------------ what a test does

    async def answer(self, tone: float = 0.0) -> None:
        """200 with our audio; for an incoming call that rings."""
        assert self.invite is not None
        self.rtp = await RtpStream.open(tone)
        self.phone.reply(self.invite, 200, "OK", self.local, sdp(self.rtp.port))
        self._media(self.invite.body)
        self._became("up")

    def reject(self, status: int = 486) -> None:
        assert self.invite is not None
        self.phone.reply(self.invite, status, "No", self.local)
        self._became("ended")

    def hangup(self) -> None:
        """BYE when up, CANCEL while our own call rings, 603 while theirs does."""
        if self.state == "ended":
            return
        if self.state == "up":
            self.phone.request(self, "BYE")
            self._became("ended")
        elif self.incoming:
            self.reject(603)
        else:
            self.phone.cancel(self)

    def press(self, digits: str) -> None:
        assert self.rtp is not None
        self.rtp.press(digits)

    async def becomes(self, state: str, deadline: float = 5.0) -> None:
        """Wait for ``state`` (or find it reached). Raises ``AssertionError`` with the call's history."""
        end = asyncio.get_running_loop().time() + deadline
        while self.state != state:
            self._changed.clear()
            left = end - asyncio.get_running_loop().time()
            try:
                await asyncio.wait_for(self._changed.wait(), max(left, 0))
            except TimeoutError:
                raise AssertionError(
                    f"{self.phone.number}: call is {self.state} ({self.status}), not {state} after {deadline} s; "
                    f"{self.events}"
                ) from None

    async def hears(self, frequency: float, deadline: float = 5.0) -> None:
        assert self.rtp is not None
        await self.rtp.hears(frequency, deadline)

    # ------------------------------------------------ from the wire

    def _became(self, state: str) -> None:
        if self.state != "ended" and self.state != state:
            self.state = state
            self.events.append((state, time.time()))
            if state == "ended" and self.rtp:
                self.rtp.close()
        self._changed.set()

    def _media(self, body: str) -> None:
        if found := re.search(r"^m=audio (\d+)", body, re.M):
            assert self.rtp is not None
            self.rtp.send_to(int(found[1]))

    async def _responded(self, message: SipMessage) -> None:
        self.status = message.status
        if message.status in (180, 183):
            self._became("ringing")
        elif message.status == 200:
            self.remote, self.remote_target = message.get("To"), _uri(message.get("Contact"))
            self.routes = [v for _, v in message.all("Record-Route")][::-1]
            self.phone.request(self, "ACK")
            if self.rtp:
                self._media(message.body)
            self._became("up")
        elif message.status >= 300:
            self.remote = message.get("To")
            self.phone.request(self, "ACK")
            self._became("ended")


class SipPhone(asyncio.DatagramProtocol):
    """One UDP port: a registered phone (with ``secret``) or a bare caller. ``incoming`` gives each ringing call."""

    def __init__(self, server_port: int, number: str, secret: str = "", name: str = "") -> None:
        self.server = ("127.0.0.1", server_port)
        self.number, self.secret, self.name = number, secret, name
        self.port = 0
        self.calls: dict[str, SipCall] = {}
        self.ringing: asyncio.Queue[SipCall] = asyncio.Queue()
        self.answers_options = True
        self.refuses = 0  # the status that every call is refused with at once; 0: it rings
        self.refused = 0  # how many calls were
        self._transport: asyncio.DatagramTransport | None = None
        self._replies: dict[str, asyncio.Future[SipMessage]] = {}
        self._sent: dict[tuple[str, str], bytes] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def open(self) -> SipPhone:
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=("127.0.0.1", 0))
        self.port = self._transport.get_extra_info("sockname")[1]
        return self

    def close(self) -> None:
        """Hang up what is left and let the port go. The registration stays: see ``register(0)``."""
        self.hang_up()
        if self._transport:
            self._transport.close()

    def hang_up(self) -> None:
        """End every call that is left."""
        for call in self.calls.values():
            call.hangup()
            if call.rtp:
                call.rtp.close()

    async def register(self, expires: int = 3600) -> None:
        """Register, or with 0 unregister. Raises ``AssertionError`` when refused."""
        reply = await self._register(expires, "")
        if reply.status == 401:
            reply = await self._register(expires, self._digest(reply, "REGISTER", f"sip:127.0.0.1:{self.server[1]}"))
        assert reply.status == 200, f"REGISTER {self.number}: {reply.start}"

    async def dial(self, number: str, tone: float = 0.0, name: bytes | None = None) -> SipCall:
        """Call ``number``; returns at once. ``name`` as raw bytes goes between the quotes of From unescaped."""
        call = SipCall(self, f"{secrets.token_hex(8)}@127.0.0.1", incoming=False)
        self.calls[call.call_id] = call
        call.rtp = await RtpStream.open(tone)
        shown = self.name.encode() if name is None else name
        call.local = f'"{shown.decode("latin-1")}" <sip:{self.number}@127.0.0.1>;tag={secrets.token_hex(4)}'
        call.remote = f"<sip:{number}@127.0.0.1:{self.server[1]}>"
        call.remote_target = f"sip:{number}@127.0.0.1:{self.server[1]}"
        self.request(call, "INVITE", body=sdp(call.rtp.port), encoding="latin-1")
        return call

    async def incoming(self, deadline: float = 10.0) -> SipCall:
        """The next call that rings here."""
        try:
            return await asyncio.wait_for(self.ringing.get(), deadline)
        except TimeoutError:
            raise AssertionError(f"phone {self.number} did not ring within {deadline} s") from None

    # ------------------------------------------------ sending

    def request(self, call: SipCall, method: str, *, body: str = "", extra: str = "", encoding: str = "utf-8") -> None:
        if method not in ("ACK", "CANCEL"):
            call.cseq += 1
        if method == "INVITE" or (method not in ("ACK", "CANCEL")) or call.status < 300:
            branch = f"z9hG4bK{secrets.token_hex(8)}"
        else:
            branch = call.branch
        if method == "INVITE":
            call.branch = branch
        lines = [
            f"{method} {call.remote_target} SIP/2.0",
            f"Via: SIP/2.0/UDP 127.0.0.1:{self.port};rport;branch={branch if method != 'CANCEL' else call.branch}",
            "Max-Forwards: 70",
            *(f"Route: {route}" for route in call.routes),
            f"From: {call.local}",
            f"To: {call.remote}",
            f"Call-ID: {call.call_id}",
            f"CSeq: {call.cseq} {method}",
            f"Contact: <sip:{self.number}@127.0.0.1:{self.port}>",
            *([extra] if extra else []),
            *(["Content-Type: application/sdp"] if body else []),
            f"Content-Length: {len(body.encode())}",
        ]
        self._write("\r\n".join(lines).encode(encoding) + b"\r\n\r\n" + body.encode())

    def cancel(self, call: SipCall) -> None:
        self.request(call, "CANCEL")

    def reply(self, message: SipMessage, status: int, reason: str, to: str = "", body: str = "") -> None:
        lines = [f"SIP/2.0 {status} {reason}", *(f"{n}: {v}" for n, v in message.all("Via"))]
        lines += [f"{n}: {v}" for n, v in message.all("Record-Route")]
        lines += [f"From: {message.get('From')}", f"To: {to or message.get('To')}"]
        lines += [f"Call-ID: {message.get('Call-ID')}", f"CSeq: {message.get('CSeq')}"]
        lines += [f"Contact: <sip:{self.number}@127.0.0.1:{self.port}>"]
        lines += ["Content-Type: application/sdp"] if body else []
        data = ("\r\n".join([*lines, f"Content-Length: {len(body.encode())}"]) + "\r\n\r\n" + body).encode()
        self._sent[message.get("Call-ID"), message.get("CSeq")] = data
        self._write(data)

    def _write(self, data: bytes) -> None:
        if self._transport and not self._transport.is_closing():
            self._transport.sendto(data, self.server)

    async def _register(self, expires: int, authorization: str) -> SipMessage:
        call_id = f"reg-{self.port}@127.0.0.1"
        cseq = int(time.time() * 10) & 0x7FFFFFFF if not authorization else (int(time.time() * 10) & 0x7FFFFFFF) + 1
        head = [
            f"REGISTER sip:127.0.0.1:{self.server[1]} SIP/2.0",
            f"Via: SIP/2.0/UDP 127.0.0.1:{self.port};rport;branch=z9hG4bK{secrets.token_hex(8)}",
            f"From: <sip:{self.number}@127.0.0.1>;tag={secrets.token_hex(4)}",
            f"To: <sip:{self.number}@127.0.0.1>",
            f"Call-ID: {call_id}",
            f"CSeq: {cseq} REGISTER",
            f"Contact: <sip:{self.number}@127.0.0.1:{self.port}>;expires={expires}",
            f"Expires: {expires}",
            "Max-Forwards: 70",
            *([f"Authorization: {authorization}"] if authorization else []),
            "Content-Length: 0",
        ]
        waiting: asyncio.Future[SipMessage] = asyncio.get_running_loop().create_future()
        self._replies[call_id] = waiting
        for _ in range(4):
            self._write(("\r\n".join(head) + "\r\n\r\n").encode())
            done, _ = await asyncio.wait([waiting], timeout=1.5)
            if done:
                return waiting.result()
        raise AssertionError(f"REGISTER {self.number}: no reply")

    def _digest(self, challenge: SipMessage, method: str, uri: str) -> str:
        text = challenge.get("WWW-Authenticate") or challenge.get("Proxy-Authenticate")
        fields = dict(re.findall(r'(\w+)="?([^",]+)"?', text))
        realm, nonce, cnonce = fields["realm"], fields["nonce"], secrets.token_hex(8)
        first = _md5(f"{self.number}:{realm}:{self.secret}")
        second = _md5(f"{method}:{uri}")
        answer = _md5(f"{first}:{nonce}:00000001:{cnonce}:auth:{second}")
        opaque = f', opaque="{fields["opaque"]}"' if "opaque" in fields else ""
        return (
            f'Digest username="{self.number}", realm="{realm}", nonce="{nonce}", uri="{uri}", response="{answer}", '
            f'algorithm=MD5, cnonce="{cnonce}", qop=auth, nc=00000001{opaque}'
        )

    # ------------------------------------------------ receiving

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        message = SipMessage.parse(data)
        call_id = message.get("Call-ID")
        if message.status:
            waiting = self._replies.get(call_id)
            if waiting and not waiting.done() and message.status >= 200:
                waiting.set_result(message)
            elif (call := self.calls.get(call_id)) and message.get("CSeq").endswith("INVITE"):
                self._spawn(self._invite_reply(call, message))
            return
        if repeated := self._sent.get((call_id, message.get("CSeq"))):
            self._write(repeated)
        elif message.method == "INVITE":
            self._invited(message)
        elif message.method in ("BYE", "CANCEL"):
            self._ended(message)
        elif message.method == "OPTIONS":
            if self.answers_options:
                self.reply(message, 200, "OK")
        elif message.method != "ACK":
            self.reply(message, 200, "OK")

    async def _invite_reply(self, call: SipCall, message: SipMessage) -> None:
        if message.status in (401, 407) and self.secret and call.state == "trying" and call.status not in (401, 407):
            call.status = message.status
            tagless = call.remote
            call.remote = message.get("To")
            self.request(call, "ACK")
            call.remote = tagless
            assert call.rtp is not None
            name = "Proxy-Authorization" if message.status == 407 else "Authorization"
            extra = f"{name}: {self._digest(message, 'INVITE', call.remote_target)}"
            self.request(call, "INVITE", body=sdp(call.rtp.port), extra=extra)
            return
        await call._responded(message)

    def _invited(self, message: SipMessage) -> None:
        call_id = message.get("Call-ID")
        if (call := self.calls.get(call_id)) and call.rtp:
            self.reply(message, 200, "OK", call.local, sdp(call.rtp.port))
            call._media(message.body)
            return
        call = self.calls[call_id] = SipCall(self, call_id, incoming=True)
        call.invite = message
        call.remote, call.remote_target = message.get("From"), _uri(message.get("Contact"))
        call.routes = [v for _, v in message.all("Record-Route")]
        call.local = f"{message.get('To')};tag={secrets.token_hex(4)}"
        if self.refuses:
            self.refused += 1
            call.reject(self.refuses)
            return
        self.reply(message, 180, "Ringing", call.local)
        call._became("ringing")
        self.ringing.put_nowait(call)

    def _ended(self, message: SipMessage) -> None:
        self.reply(message, 200, "OK")
        call = self.calls.get(message.get("Call-ID"))
        if call is None:
            return
        if message.method == "CANCEL" and call.state == "ringing" and call.invite:
            self.reply(call.invite, 487, "Request Terminated", call.local)
        call._became("ended")

    def _spawn(self, work: object) -> None:
        task: asyncio.Task[None] = asyncio.get_running_loop().create_task(work)  # type: ignore[arg-type]
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def sdp(port: int) -> str:
    return (
        "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
        f"m=audio {port} RTP/AVP 0 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\n"
        "a=fmtp:101 0-15\r\na=ptime:20\r\na=sendrecv\r\n"
    )


def _uri(contact: str) -> str:
    found = re.search(r"<([^>]+)>", contact)
    return found[1] if found else contact.split(";")[0]


def _md5(text: str) -> str:
    return hashlib.md5(text.encode()).hexdigest()
