"""SIP with one peer on sippy's transactions and dialogs, polled in the caller's thread; no thread of its own.

A packet of any other address is dropped before it is read. What the peer says of a call is told as ``Told``. It must
not know lines or sound.
"""

from __future__ import annotations

import re
import signal
import socket
from _thread import get_ident
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from time import monotonic
from typing import Any

import structlog
from sippy.CCEvents import (
    CCEventConnect,
    CCEventDisconnect,
    CCEventFail,
    CCEventRedirect,
    CCEventRing,
    CCEventTry,
    CCEventUpdate,
)
from sippy.Core.EventDispatcher import ED2
from sippy.MsgBody import MsgBody
from sippy.Network_server import Remote_address
from sippy.SipConf import SipConf
from sippy.SipHeader import SipHeader
from sippy.SipReason import SipReason
from sippy.SipTransactionManager import SipTransactionManager
from sippy.Time.MonoTime import MonoTime
from sippy.Time.Timeout import Timeout
from sippy.UA import UA
from sippy.Udp_server import Udp_server_opts

from cards.gateway.causes import REFUSALS, cause_of
from cards.host.board import BoardError
from cti.domain.switch.terms import Cause
from cti.switches.checks import strangers_number

# sippy's loop, which is not run here, blocks this signal in the thread that imports it, and every program started from
# there inherits that: an Asterisk would then say nothing on its manager interface but after the next action.
signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGURG})

NAME = "Callyard"
LONGEST = 8192
A_ROUND = 100  # packets of one poll
RINGS_AT_MOST = 180.0  # seconds that the peer may think about a call of ours
_NUMBER = re.compile(r"\+?[0-9*#]{1,32}")

log = structlog.get_logger(__name__)


class Said(StrEnum):
    CALL = "call"
    RINGING = "ringing"
    ANSWERED = "answered"
    CHANGED = "changed"  # its sound is elsewhere from now on, or it holds
    AGREED = "agreed"  # its answer to an offer of ours that it had asked for
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class Told:
    """``sdp`` of a call, an answer or a change; ``cause`` of an end; numbers of a call."""

    said: Said
    call: Call
    sdp: str = ""
    cause: Cause = Cause.NORMAL
    number: str = ""
    caller: str = ""


class Call:
    """One SIP call, either way."""

    def __init__(self, agent: Any) -> None:
        self._agent = agent

    def ringing(self) -> None:
        self._agent.recvEvent(CCEventRing((180, "Ringing", None)))

    def answer(self, sdp: str) -> None:
        """Also of a change."""
        self._agent.recvEvent(CCEventConnect((200, "OK", MsgBody(sdp))))

    def refuse(self, code: int, phrase: str) -> None:
        """A change, or a call whose cause is not one of a line."""
        self._agent.recvEvent(CCEventFail((code, phrase)))

    def end(self, cause: Cause) -> None:
        """Cancel, refuse or hang up, whichever it is now."""
        agent, refusal = self._agent, REFUSALS[cause]
        ours_to_refuse = agent.origin == "caller" and not agent.isConnected()
        event = CCEventFail((refusal.code, refusal.phrase)) if ours_to_refuse else CCEventDisconnect()
        event.reason_rfc3326 = SipReason(protocol="Q.850", cause=refusal.q850)
        agent.recvEvent(event)


class Sip:
    """``host`` and ``port`` are ours, ``peer`` the address and port of the softswitch."""

    def __init__(self, host: str, port: int, peer: tuple[str, int], told: Callable[[Told], None]) -> None:
        self._peer, self._told = peer, told
        self._host, self._port = host, port
        self._calls: dict[Any, Call] = {}
        self._config: dict[str, Any] = {}

    def open(self) -> None:
        """In the thread that will poll. Raises ``BoardError``."""
        SipConf.my_uaname = NAME
        ED2.my_ident = get_ident()
        self._config.update(_sip_address=self._host, _sip_port=self._port, _sip_logger=_Silent())
        try:
            self._config["_sip_tm"] = _Manager(self._config, self._request)
        except OSError as error:
            raise BoardError(
                f"gateway: {self._host} port {self._port} (SIP): {error.strerror}: set CALLYARD_GATEWAY_PORT"
            ) from error

    def close(self) -> None:
        if manager := self._config.pop("_sip_tm", None):
            manager.shutdown()
        ED2.tlisteners.clear()

    def poll(self) -> None:
        """Take what has come, and see whose time is over."""
        self._config["_sip_tm"].l4r.server.poll(self._peer[0])
        ED2.last_ts = MonoTime()
        ED2.dispatchTimers()

    def call(self, number: str, caller: str, name: str, sdp: str) -> Call:
        """Ask the peer for ``number``."""
        agent = UA(self._config, self._event, nh_address=self._peer, expire_time=RINGS_AT_MOST)
        call = self._calls[agent] = Call(agent)
        shown = caller or "anonymous"
        event = CCEventTry((None, shown, number, MsgBody(sdp), None, name or None))
        if caller:
            event.extra_headers = (SipHeader(f"P-Asserted-Identity: <sip:{caller}@{self._host}>"),)
        self._keep(agent)
        agent.recvEvent(event)
        return call

    # ------------------------------------------------------------ what the peer says

    def _keep(self, agent: Any) -> None:
        agent.local_ua = NAME
        agent.dead_cbs = (lambda agent, *_: self._calls.pop(agent, None),)

    def _request(self, request: Any, transaction: Any) -> Any:
        method = request.getMethod()
        if request.getHFBody("to").getTag() is not None:
            return request.genResponse(481, "Call Leg/Transaction Does Not Exist"), None, None
        if method == "OPTIONS":
            return request.genResponse(200, "OK"), None, None
        if method != "INVITE":
            return request.genResponse(501, "Not Implemented"), None, None
        agent = UA(self._config, self._event, nh_address=self._peer)
        self._calls[agent] = Call(agent)
        self._keep(agent)
        return agent.recvRequest(request, transaction)

    def _event(self, event: Any, agent: Any) -> None:
        call = self._calls.get(agent)
        if call is None:
            return
        match event:
            case CCEventTry():
                self._asked(call, event)
            case CCEventRing():
                if event.getData() and event.getData()[0] >= 180:
                    self._told(Told(Said.RINGING, call))
            case CCEventConnect():
                code, _, body = event.getData()
                if code != "ACK":
                    self._told(Told(Said.ANSWERED, call, sdp=str(body or "")))
                elif body is not None:
                    self._told(Told(Said.AGREED, call, sdp=str(body)))
            case CCEventUpdate():
                self._told(Told(Said.CHANGED, call, sdp=str(event.getData() or "")))
            case CCEventFail() | CCEventRedirect():
                self._told(Told(Said.GONE, call, cause=cause_of(int(event.getData()[0]), _q850(event))))
            case CCEventDisconnect():
                self._told(Told(Said.GONE, call, cause=cause_of(0, _q850(event))))

    def _asked(self, call: Call, event: Any) -> None:
        _, caller, number, body, *_ = event.getData()
        if body is None:
            call.refuse(488, "Not Acceptable Here")
        elif not _NUMBER.fullmatch(str(number)):
            call.end(Cause.UNALLOCATED)
        else:
            told = Told(Said.CALL, call, sdp=str(body), number=str(number), caller=strangers_number(str(caller or "")))
            self._told(told)


def _q850(event: Any) -> int | None:
    """Of the Reason header."""
    try:
        reason = event.reason_rfc3326
        if reason is None:
            return None
        reason.parse()
        return int(reason.cause) if str(reason.protocol).upper() == "Q.850" else None
    except Exception:  # whatever the peer wrote there
        return None


class _Server:
    """A socket as sippy wants it, polled."""

    transport = "udp"

    def __init__(self, options: Any) -> None:
        self.uopts = options
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        try:
            self._socket.bind(options.laddress)
        except OSError:
            self._socket.close()
            raise

    def poll(self, peer: str) -> None:
        for _ in range(A_ROUND):
            try:
                data, address = self._socket.recvfrom(LONGEST + 1)
            except OSError:
                return
            if address[0] != peer or len(data) > LONGEST:
                continue
            try:
                self.uopts.data_callback(data, Remote_address(address, self.transport), self, MonoTime())
            except Exception as error:  # a library's: of what the peer sent, nothing may end the gateway
                log.warning("gateway.sip_refused", error=repr(error)[:300])

    def send_to(self, data: bytes | str, address: tuple[str, int], delayed: bool = False) -> None:
        try:
            self._socket.sendto(data.encode() if isinstance(data, str) else data, address)
        except OSError as error:
            log.warning("gateway.sip_not_sent", error=str(error))

    def getSIPaddr(self) -> tuple[tuple[str, int], str]:
        return self.uopts.laddress, self.transport

    def addr2str(self, address: tuple[str, int]) -> str:
        return f"{self.transport}:{address[0]}:{address[1]}"

    def shutdown(self) -> None:
        self._socket.close()


class _OneServer:
    """All packets leave by the one socket, and none comes by another."""

    def __init__(self, server: _Server) -> None:
        self.server = server

    def getServer(self, address: object, is_local: bool = False) -> _Server:
        return self.server

    def rotateCache(self) -> None:
        return

    def shutdown(self) -> None:
        self.server.shutdown()


class _Manager(SipTransactionManager):  # type: ignore[misc]
    def __init__(self, config: dict[str, Any], request: Callable[[Any, Any], Any]) -> None:
        """In place of the library's, which opens sockets and threads of its own."""
        options = Udp_server_opts((config["_sip_address"], config["_sip_port"]), self.handleIncoming)
        self.global_config, self.req_cb = config, request
        self.l4r = _OneServer(_Server(options))
        self.tclient: dict[Any, Any] = {}
        self.tserver: dict[Any, Any] = {}
        self.req_consumers: dict[str, Any] = {}
        self.l1rcache: dict[bytes, Any] = {}
        self.l2rcache: dict[bytes, Any] = {}
        self.init_time = monotonic()
        self.cp_timer = Timeout(self.rCachePurge, 32, -1)


class _Silent:
    """sippy's log of messages: they hold numbers of customers."""

    def write(self, *words: object, **how: object) -> None:
        return
