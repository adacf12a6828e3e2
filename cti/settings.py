"""Settings: environment variables ``CALLYARD_*`` over ``<var>/callyard.env`` over these defaults.

Only the edge (bootstrap, cli, serve, web factory) reads them; everything inside gets plain values.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from datetime import tzinfo
from enum import StrEnum
from ipaddress import ip_network
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from pydantic import Field, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict
from tzlocal import get_localzone

from cti.switch_settings import (
    GATEWAY_HOST,
    BadSwitches,
    BoardEntry,
    SwitchEntry,
    SwitchKind,
    SwitchSettings,
    read_switches,
)

__all__ = ["ANYWHERE", "LOOPBACK", "Settings", "SwitchChoice", "SwitchKind", "SwitchSettings", "load_settings"]

LOOPBACK = "127.0.0.1"
PRIVATE = "10.0.0.0/8 172.16.0.0/12 192.168.0.0/16"
ANYWHERE = frozenset({"0.0.0.0", "::", ""})  # noqa: S104 - compared with, not listened on


class SwitchChoice(StrEnum):
    AUTO = "auto"  # a private Asterisk, or the simulator with a plain notice where none is to be had
    ASTERISK = "asterisk"
    FREESWITCH = "freeswitch"
    BOTH = "both"  # one of each, as one centre
    OUTSIDE = "outside"  # only those of the switches file
    SIM = "sim"
    BOARD = "board"  # a voice board alone


class Settings(BaseSettings):
    """Paths are absolute after ``load_settings``. Secrets left empty are made at random in ``<var>/secrets`` (0600)."""

    model_config = SettingsConfigDict(env_prefix="CALLYARD_", extra="ignore")

    var: Path = Field(default=Path("var"), description="everything that is written at run time")
    dist: Path | None = Field(default=None, description="unpacked third-party programs; default <var>/dist")
    bind: str = Field(default="127.0.0.1", description="address that web, SIP, websocket and RTP listen on")
    external_address: str = Field(default="", description="behind NAT: where phones and carriers outside reach SIP")
    local_networks: str = Field(default=PRIVATE, description="… but for those, which reach it at its own address")

    web_port: int = 8080
    web_threads: int = Field(default=160, description="also the number of open pages a web process can stream to")
    public_url: str = Field(default="", description="as browsers see us, when a TLS proxy stands in front")

    database_url: str = Field(default="", description="default: SQLite in <var>; postgresql:// uses psycopg 3")

    nats_url: str = Field(default="", description="an outside NATS; default: our own on loopback")
    nats_port: int = 4222
    nats_token: str = ""

    switch: SwitchChoice = SwitchChoice.AUTO
    asterisk_bin: str = Field(default="", description="an asterisk program to run; default: PATH, then a private copy")
    ami_host: str = Field(default="", description="an outside Asterisk's manager; default: our own on loopback")
    ami_port: int = 5038
    ami_user: str = "callyard"
    ami_secret: str = ""
    freeswitch_bin: str = Field(default="", description="a freeswitch program; default: PATH, /usr/local/freeswitch")
    esl_host: str = Field(default="", description="an outside FreeSWITCH's event socket; default: our own on loopback")
    esl_port: int = 8021
    esl_password: str = ""
    sip_port: int = 5060
    sip_ws_port: int = 8088
    sip_ws_url: str = Field(default="", description="websocket URL browsers use; default ws://<page host>:<port>/ws")
    rtp_start: int = 16384
    rtp_end: int = 18383
    switch_spool: Path | None = Field(default=None, description="where the switch writes recordings, as we see it")
    freeswitch_sip_port: int = Field(default=5070, description="FreeSWITCH's own where both switches run here")
    freeswitch_sip_ws_port: int = 8089
    freeswitch_sip_ws_url: str = ""
    freeswitch_rtp_start: int = 18384
    freeswitch_rtp_end: int = 20383
    board: str = Field(default="", description="a voice board: sim, donjin or synway; default: none")
    board_face: str = Field(default="synway", description="whose interface the simulated board has")
    board_e1: int = Field(default=0, ge=0, le=4, description="E1 lines (ISDN) that the simulated board has")
    board_library: str = Field(default="", description="files of the board's library, with ; between them")
    board_config: str = Field(default="", description="the vendor's configuration of the board (ShConfig.ini)")
    gateway_port: int = Field(default=5090, description="SIP of a voice board's gateway, at 127.0.0.2")
    board_elsewhere: bool = Field(default=False, description="its host process runs on the board's own machine")
    switches_file: Path | None = Field(default=None, description="further switches; default <var>/switches.toml")
    web_phone_switch: str = Field(default="", description="where browser phones register first; default: the first")

    engine_metrics_port: int = 9101
    worker_metrics_port: int = 9102
    zone: str = Field(default="", description="the centre's time zone, as Asia/Shanghai; default: the machine's")
    short_abandon: float = Field(default=5.0, ge=0, description="seconds; who hangs up sooner is not in service levels")
    alarm_wait: float = Field(default=60.0, ge=0, description="the live pages warn of a caller who waits longer (s)")
    alarm_level: float = Field(default=80.0, ge=0, le=100, description="… of a service level below (per cent)")
    alarm_ready: int = Field(default=1, ge=0, description="… of a queue with fewer agents ready")
    ticket_hold: float = Field(default=900.0, gt=0, description="seconds that a callback ticket stays in one hand")
    ticket_retry: float = Field(default=1800.0, ge=0, description="seconds before one not reached is handed out again")
    ticket_days: float = Field(default=3.0, gt=0, description="days after which an unsettled one is closed")
    trace_days: float = Field(default=14.0, gt=0, le=3650, description="days that the operation log is kept")
    trace_megabytes: int = Field(default=2048, ge=64, description="… and how large it may grow; the oldest goes first")
    transfer_memory: int = Field(default=1536, ge=256, description="megabytes that reading an uploaded file may take")
    transfer_seconds: int = Field(default=120, ge=1, description="… and seconds of processor time")
    webhook_private: bool = Field(default=False, description="webhooks may go to addresses inside, as 127.0.0.1")
    log_level: str = "info"
    demo: bool = Field(default=True, description="fill an empty database with demo data")

    @property
    def dist_dir(self) -> Path:
        return self.dist or self.var / "dist"

    @property
    def timezone(self) -> tzinfo:
        return ZoneInfo(self.zone) if self.zone else get_localzone()

    @field_validator("zone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        if name and name not in available_timezones():
            raise ValueError("no such time zone; a name as Asia/Shanghai is wanted")
        return name

    @field_validator("local_networks")
    @classmethod
    def _are_networks(cls, text: str) -> str:
        for network in text.split():
            ip_network(network)
        return text

    @field_validator("board", "board_face")
    @classmethod
    def _known_board(cls, name: str, info: ValidationInfo) -> str:
        known = ("donjin", "synway") if info.field_name == "board_face" else ("", "sim", "donjin", "synway")
        if name not in known:
            raise ValueError(f"one of {', '.join(one or 'nothing' for one in known)} is wanted")
        return name

    @property
    def database(self) -> str:
        return self.database_url or f"sqlite:///{self.var / 'callyard.db'}"

    @property
    def prompts_dir(self) -> Path:
        return self.var / "prompts"

    @property
    def recordings_dir(self) -> Path:
        return self.var / "recordings"

    @property
    def spool_dir(self) -> Path:
        return self.switch_spool or self.var / "spool"

    def switches(self) -> tuple[SwitchSettings, ...]:
        """Every switch of the centre, in the order of preference. Secrets as set, and no peers: see
        ``cti.provision.switches``. Raises ``BadSwitches``."""
        named = {
            SwitchChoice.AUTO: [self._asterisk()],
            SwitchChoice.ASTERISK: [self._asterisk()],
            SwitchChoice.FREESWITCH: [self._freeswitch(beside=False)],
            SwitchChoice.BOTH: [self._asterisk(), self._freeswitch(beside=True)],
            SwitchChoice.OUTSIDE: [],
            SwitchChoice.SIM: [self._switch("sim", SwitchKind.SIM)],
            SwitchChoice.BOARD: [],
        }[self.switch]
        named += [self._board()] if self.board else []
        path = self.switches_file or self.var / "switches.toml"
        further = read_switches(path)
        boards = (self._board_of(entry) for entry in further.board)
        found = (*named, *(self._further(entry) for entry in further.switch), *boards)
        if not found:
            raise BadSwitches(f"{path}: names no switch, and CALLYARD_SWITCH={self.switch} has none of its own")
        for switch in found:
            if sum(other.name == switch.name for other in found) > 1:
                raise BadSwitches(f"{path}: two switches are called {switch.name}")
        if self.web_phone_switch not in ("", *(switch.name for switch in found)):
            raise BadSwitches(f"CALLYARD_WEB_PHONE_SWITCH={self.web_phone_switch}: there is no such switch")
        _require_own_ranges(found)
        return found

    def _asterisk(self) -> SwitchSettings:
        return self._switch(
            "asterisk",
            SwitchKind.ASTERISK,
            own=not self.ami_host,
            program=self.asterisk_bin,
            host=self.ami_host or LOOPBACK,
            port=self.ami_port,
            user=self.ami_user,
            secret=self.ami_secret,
            sip_host=self.ami_host or self._sip_host(),
            sip_ws_url=self.sip_ws_url,
        )

    def _freeswitch(self, *, beside: bool) -> SwitchSettings:
        """``beside`` an Asterisk it has ports of its own."""
        switch = self._switch(
            "freeswitch",
            SwitchKind.FREESWITCH,
            own=not self.esl_host,
            program=self.freeswitch_bin,
            host=self.esl_host or LOOPBACK,
            port=self.esl_port,
            secret=self.esl_password,
            sip_host=self.esl_host or self._sip_host(),
            sip_ws_url=self.sip_ws_url,
        )
        if not beside:
            return switch
        return replace(
            switch,
            sip_port=self.freeswitch_sip_port,
            sip_ws_port=self.freeswitch_sip_ws_port,
            sip_ws_url=self.freeswitch_sip_ws_url,
            rtp_start=self.freeswitch_rtp_start,
            rtp_end=self.freeswitch_rtp_end,
        )

    def _board(self) -> SwitchSettings:
        """The first one. Where it is simulated its lines are calls of a softswitch beside it."""
        board = self._board_of(
            BoardEntry(
                name="board",
                vendor=self.board,
                face=self.board_face,
                e1=self.board_e1,
                library=self.board_library,
                config=self.board_config,
                elsewhere=self.board_elsewhere,
            )
        )
        softswitch = self.switch not in (SwitchChoice.SIM, SwitchChoice.BOARD, SwitchChoice.OUTSIDE)
        if self.board != "sim" or not softswitch:  # a real library gives no sound away
            return board
        return replace(board, gateway=True, sip_host=GATEWAY_HOST, sip_port=self.gateway_port)

    def _board_of(self, entry: BoardEntry) -> SwitchSettings:
        simulated = entry.vendor == "sim"
        if not (simulated or entry.library or entry.elsewhere):
            raise BadSwitches(
                f"voice board {entry.name}: name the files of its library (CALLYARD_BOARD_LIBRARY; library in the file "
                "of switches), or say that its host runs elsewhere"
            )
        if entry.e1 and not (simulated and entry.face == "synway"):
            raise BadSwitches(
                f"voice board {entry.name}: only a simulated board with the face of synway has E1 lines of its own "
                "(CALLYARD_BOARD_E1; e1 in the file of switches)"
            )
        return self._switch(
            entry.name,
            SwitchKind.BOARD,
            own=not entry.elsewhere,
            home=self.var / ("board" if entry.name == "board" else f"board-{entry.name}"),
            program="" if simulated else entry.library,
            vendor=entry.face if simulated else entry.vendor,
            config=entry.config,
            e1=entry.e1,
            sip_host=LOOPBACK,
            sip_port=0,
        )

    def _further(self, entry: SwitchEntry) -> SwitchSettings:
        kind = SwitchKind(entry.kind)
        spool = entry.spool or self.spool_dir
        host = entry.host or LOOPBACK
        return self._switch(
            entry.name,
            kind,
            own=entry.own,
            home=self.var / f"switch-{entry.name}",
            program=entry.program,
            host=host,
            port=entry.port or (self.ami_port if kind is SwitchKind.ASTERISK else self.esl_port),
            user=entry.user,
            secret=entry.secret,
            sip_host=entry.sip_host or (self._sip_host() if entry.own else host),
            sip_port=entry.sip_port,
            sip_ws_port=entry.sip_ws_port,
            sip_ws_url=entry.sip_ws_url,
            rtp_start=entry.rtp_start,
            rtp_end=entry.rtp_end,
            prompts_dir=entry.prompts or self.prompts_dir,
            spool_dir=spool,
            spool_here=entry.spool_here or spool,
        )

    def _switch(self, name: str, kind: SwitchKind, **given: Any) -> SwitchSettings:
        flat: dict[str, Any] = {
            "bind": self.bind,
            "external_address": self.external_address,
            "local_networks": tuple(self.local_networks.split()),
            "sip_port": self.sip_port,
            "sip_ws_port": self.sip_ws_port,
            "rtp_start": self.rtp_start,
            "rtp_end": self.rtp_end,
            "own": False,
            "home": self.var / name,
            "dist_dir": self.dist_dir,
            "prompts_dir": self.prompts_dir,
            "spool_dir": self.spool_dir,
            "spool_here": self.spool_dir,
        }
        return SwitchSettings(name=name, kind=kind, **(flat | given))

    def _sip_host(self) -> str:
        return LOOPBACK if self.bind in ANYWHERE else self.bind


def _require_own_ranges(switches: Sequence[SwitchSettings]) -> None:
    """Two switches of this machine would take each other's RTP ports."""
    own = sorted(
        (switch for switch in switches if switch.own and switch.speaks_sip), key=lambda switch: switch.rtp_start
    )
    for lower, higher in pairwise(own):
        if lower.rtp_end >= higher.rtp_start:
            raise BadSwitches(
                f"the RTP ports of {lower.name} ({lower.rtp_start}-{lower.rtp_end}) and {higher.name} "
                f"({higher.rtp_start}-{higher.rtp_end}) overlap: change CALLYARD_FREESWITCH_RTP_START and _END, "
                "or rtp_start and rtp_end in the switches file"
            )


def load_settings(var: str | os.PathLike[str] | None = None) -> Settings:
    """Read settings, make paths absolute. Raises ``pydantic.ValidationError`` naming the setting."""
    root = Path(var or os.environ.get("CALLYARD_VAR", "var")).resolve()
    settings = Settings(_env_file=root / "callyard.env", var=root)  # type: ignore[call-arg]
    settings.var = root
    if settings.dist is not None:
        settings.dist = settings.dist.resolve()
    if settings.switches_file is not None:
        settings.switches_file = settings.switches_file.resolve()
    return settings
