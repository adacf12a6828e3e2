"""What two sides say about a call's sound (SDP), as far as a gateway needs it: A-law and telephone-event, one peer.

Every text comes from outside. It must not know SIP or packets.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from cti.domain.errors import CallyardError

PCMA = 8
USUAL_EVENTS = 101
LONGEST = 8192
_WAY = re.compile(r"^a=(sendrecv|sendonly|recvonly|inactive)$", re.MULTILINE)
_ANSWERS = {"sendrecv": "sendrecv", "sendonly": "recvonly", "recvonly": "sendonly", "inactive": "inactive"}


class BadOffer(CallyardError):
    """The peer's SDP is none that the gateway can take."""

    code = "gateway.sdp"


@dataclass(frozen=True, slots=True)
class Sound:
    """``events``: the payload type of digits; ``None``: the peer takes none. ``host`` empty: nowhere now, it holds.
    ``way`` is what the peer does: sendrecv, sendonly (it holds), recvonly or inactive."""

    host: str
    port: int
    events: int | None
    way: str = "sendrecv"

    @property
    def sends(self) -> bool:
        return bool(self.host) and self.way in ("sendrecv", "sendonly")

    @property
    def hears(self) -> bool:
        return bool(self.host) and self.way in ("sendrecv", "recvonly")


def read(text: str) -> Sound:
    """Raises ``BadOffer``."""
    if len(text) > LONGEST:
        raise BadOffer("too long")
    whole, *media = re.split(r"^(?=m=)", text.replace("\r\n", "\n"), flags=re.MULTILINE)
    audio = next((part for part in media if part.startswith("m=audio ")), "")
    line = re.match(r"m=audio (\d{1,5})(?:/1)? RTP/AVP ([0-9 ]{1,200})$", audio, re.MULTILINE)
    where = re.search(r"^c=IN IP4 ([0-9.]{7,15})", audio, re.MULTILINE) or re.search(
        r"^c=IN IP4 ([0-9.]{7,15})", whole, re.MULTILINE
    )
    if line is None or where is None:
        raise BadOffer("no audio over RTP and IPv4")
    types = [int(one) for one in line[2].split()]
    port = int(line[1])
    if PCMA not in types or not 1024 <= port <= 65535:
        raise BadOffer("no A-law, or no port")
    mapped = re.search(r"^a=rtpmap:(\d{2,3}) telephone-event/8000$", audio, re.MULTILINE | re.IGNORECASE)
    events = int(mapped[1]) if mapped and 96 <= int(mapped[1]) <= 127 and int(mapped[1]) in types else None
    way = _WAY.search(audio) or _WAY.search(whole)
    return Sound("" if where[1] == "0.0.0.0" else where[1], port, events, way[1] if way else "sendrecv")  # noqa: S104


def write(host: str, port: int, events: int | None, way: str = "sendrecv") -> str:
    """An offer, or the answer to one that goes ``way``."""
    types = f"{PCMA} {events}" if events else str(PCMA)
    digits = [f"a=rtpmap:{events} telephone-event/8000", f"a=fmtp:{events} 0-15"] if events else []
    lines = [
        "v=0",
        f"o=callyard {port} 1 IN IP4 {host}",
        "s=-",
        f"c=IN IP4 {host}",
        "t=0 0",
        f"m=audio {port} RTP/AVP {types}",
        f"a=rtpmap:{PCMA} PCMA/8000",
        *digits,
        "a=ptime:20",
        f"a={_ANSWERS[way]}",
    ]
    return "\r\n".join(lines) + "\r\n"
