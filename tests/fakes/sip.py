"""SIP messages for test phones: parse, build, digest answers. Text in, text out; no sockets."""

from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import dataclass, field


@dataclass(slots=True)
class SipMessage:
    """``start`` is the whole first line; header names are lower case, in order, repeated where they were."""

    start: str
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: str = ""

    @property
    def method(self) -> str:
        return "" if self.start.startswith("SIP/2.0") else self.start.split(" ", 1)[0]

    @property
    def status(self) -> int:
        return int(self.start.split(" ")[1]) if self.start.startswith("SIP/2.0") else 0

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key == name]

    def get(self, name: str, default: str = "") -> str:
        return next(iter(self.all(name)), default)

    @property
    def call_id(self) -> str:
        return self.get("call-id")

    @property
    def cseq(self) -> tuple[int, str]:
        number, _, method = self.get("cseq").partition(" ")
        return int(number or 0), method

    @property
    def rtp_address(self) -> tuple[str, int] | None:
        host = re.search(r"^c=IN IP4 (\S+)", self.body, re.M)
        port = re.search(r"^m=audio (\d+)", self.body, re.M)
        return (host[1], int(port[1])) if host and port else None


SHORT = {"i": "call-id", "m": "contact", "f": "from", "t": "to", "v": "via", "l": "content-length", "c": "content-type"}


def parse(data: bytes) -> SipMessage | None:
    """Return the message, or None for what is not SIP (a keep-alive)."""
    head, _, body = data.decode("utf-8", "surrogateescape").partition("\r\n\r\n")
    start, *lines = head.split("\r\n")
    if "SIP/2.0" not in start:
        return None
    message = SipMessage(start, body=body)
    for line in lines:
        name, _, value = line.partition(":")
        name = name.strip().lower()
        message.headers.append((SHORT.get(name, name), value.strip()))
    return message


def build(start: str, headers: list[tuple[str, str]], body: str = "") -> bytes:
    lines = [start, *(f"{name}: {value}" for name, value in headers)]
    if body:
        lines.append("Content-Type: application/sdp")
    lines.append(f"Content-Length: {len(body.encode())}")
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode("utf-8", "surrogateescape")


def reply(
    request: SipMessage, status: str, tag: str, extra: list[tuple[str, str]] | None = None, body: str = ""
) -> bytes:
    """An answer to ``request``: its Via, From, To (with our tag), Call-ID and CSeq."""
    headers = [("Via", via) for via in request.all("via")]
    headers += [("Record-Route", route) for route in request.all("record-route")]
    to = request.get("to")
    if ";tag=" not in to:
        to = f"{to};tag={tag}"
    headers += [("From", request.get("from")), ("To", to), ("Call-ID", request.call_id), ("CSeq", request.get("cseq"))]
    return build(f"SIP/2.0 {status}", headers + (extra or []), body)


def sdp(host: str, port: int, direction: str = "sendrecv") -> str:
    return (
        f"v=0\r\no=- {secrets.randbelow(10**6)} 1 IN IP4 {host}\r\ns=-\r\nc=IN IP4 {host}\r\nt=0 0\r\n"
        f"m=audio {port} RTP/AVP 0 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\n"
        f"a=fmtp:101 0-15\r\na=ptime:20\r\na={direction}\r\n"
    )


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def digest(challenge: str, method: str, uri: str, user: str, password: str) -> str:
    """The value of Authorization for a ``WWW-Authenticate`` challenge (MD5, qop auth or none)."""
    fields = dict(re.findall(r'(\w+)="?([^",]*)"?', challenge.partition(" ")[2]))
    ha1 = _md5(f"{user}:{fields['realm']}:{password}")
    ha2 = _md5(f"{method}:{uri}")
    answer = f'Digest username="{user}", realm="{fields["realm"]}", nonce="{fields["nonce"]}", uri="{uri}", '
    if "qop" in fields:
        cnonce = secrets.token_hex(4)
        response = _md5(f"{ha1}:{fields['nonce']}:00000001:{cnonce}:auth:{ha2}")
        answer += f'qop=auth, nc=00000001, cnonce="{cnonce}", '
    else:
        response = _md5(f"{ha1}:{fields['nonce']}:{ha2}")
    answer += f'response="{response}", algorithm=MD5'
    if "opaque" in fields:
        answer += f', opaque="{fields["opaque"]}"'
    return answer
