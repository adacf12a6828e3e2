"""A carrier as a SIP trunk meets it: it wants a password for registering, is asked by OPTIONS, takes and makes calls.

It keeps what came over the wire. Made of the test phone; on an address of its own in 127.0.0.0/8.
"""

from __future__ import annotations

import re

from tests.fakes import sip
from tests.fakes.phone import HOST, PhoneCall, SipPhone
from tests.fakes.sip import SipMessage

REALM = "carrier.example"
FIRST_ANSWER = 4711


def expires(message: SipMessage) -> int:
    """What a REGISTER asks for, in seconds."""
    found = re.findall(r"expires=(\d+)", message.get("contact"))
    return int(message.get("expires") or (found[0] if found else 3600))


class Carrier(SipPhone):
    """``refuse`` is the answer to every REGISTER (``403 Forbidden``); ``silent``: it hears and says nothing.

    ``reliable``: its calls want every provisional answer acknowledged (RFC 3262), and it takes a call only when its own
    183, with sound, has been. ``acknowledged`` are the PRACKs that it got, and the answers to its own.
    """

    def __init__(self, host: str, *, server: int, port: int, user: str = "", password: str = "") -> None:
        super().__init__("carrier", server=server, local_port=port, host=host)
        self.account = (user, password)
        self.refuse = ""
        self.silent = self.reliable = False
        self.acknowledged: list[SipMessage] = []
        self.heard: list[SipMessage] = []

    def of(self, method: str) -> list[SipMessage]:
        return [message for message in self.heard if message.method == method]

    @property
    def registration(self) -> SipMessage | None:
        """The last REGISTER that was accepted and takes nothing back."""
        known = [m for m in self.of("REGISTER") if self._knows(m) and expires(m) > 0]
        return known[-1] if known else None

    @property
    def contact(self) -> str:
        """Where the registered account is."""
        return self.registration.get("contact") if self.registration else ""

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        message = sip.parse(data)
        if message is None or self.silent:
            return
        self.heard.append(message)
        if message.method == "REGISTER":
            self._registers(message)
            self.changed()
            return
        if message.get("rseq"):
            self._acknowledge(message)
        elif message.cseq[1] == "PRACK":
            self.acknowledged.append(message)
        super().datagram_received(data, addr)
        if message.method == "PRACK":
            self._taken(message)

    def respond(self, request: SipMessage, status: str, tag: str, body: str = "") -> None:
        if not (self.reliable and request.method == "INVITE" and status.startswith("180")):
            super().respond(request, status, tag, body)
            return
        sound = sip.sdp(HOST, self._by_id[request.call_id].rtp.port)
        contact = f"<sip:{self.user}@{self.host}:{self.port}>"
        extra = [("Contact", contact), ("Require", "100rel"), ("RSeq", str(FIRST_ANSWER))]
        self.send(sip.reply(request, "183 Session Progress", tag, extra, sound))

    def _taken(self, prack: SipMessage) -> None:
        call = self._by_id.get(prack.call_id)
        if call is None or call.invite is None or call.state != "ringing":
            return
        assert prack.get("rack") == f"{FIRST_ANSWER} {call.invite.get('cseq')}"
        call.answer()

    def _acknowledge(self, answer: SipMessage) -> None:
        call = self._by_id[answer.call_id]
        call.remote, call.target = answer.get("to"), answer.get("contact").strip("<>").split(">")[0]
        call.request("PRACK", [("RAck", f"{answer.get('rseq')} {answer.get('cseq')}")])

    def _invite(self, call: PhoneCall, extra: list[tuple[str, str]]) -> bytes:
        wants = [("Supported", "100rel"), ("Require", "100rel")] if self.reliable else []
        return super()._invite(call, [*extra, *wants])

    def _registers(self, message: SipMessage) -> None:
        if self.refuse:
            self.send(sip.reply(message, self.refuse, "c"))
        elif self._knows(message):
            extra = [("Contact", message.get("contact")), ("Expires", message.get("expires") or "300")]
            self.send(sip.reply(message, "200 OK", "c", extra))
        else:
            challenge = f'Digest realm="{REALM}", nonce="{len(self.heard)}", algorithm=MD5, qop="auth"'
            self.send(sip.reply(message, "401 Unauthorized", "c", [("WWW-Authenticate", challenge)]))

    def _knows(self, message: SipMessage) -> bool:
        said = message.get("authorization")
        fields = dict(re.findall(r'(\w+)="?([^",]*)"?', said))
        if not said or fields.get("username") != self.account[0]:
            return False
        ha1 = sip._md5(f"{self.account[0]}:{REALM}:{self.account[1]}")
        ha2 = sip._md5(f"REGISTER:{fields['uri']}")
        wanted = f"{ha1}:{fields['nonce']}:{fields['nc']}:{fields['cnonce']}:{fields['qop']}:{ha2}"
        return fields.get("response") == sip._md5(wanted)
