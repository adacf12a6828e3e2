"""What is known of one switch of the centre before anything is connected, and the file that names further ones.

Plain values: ``Settings.switches`` derives them, ``cti.provision.switches`` adds secrets and peers. Must not know how a
switch is configured, started or driven.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from cti.domain.errors import CallyardError

MAX_SWITCHES = 32
GATEWAY_HOST = "127.0.0.2"  # an address of its own, so that its calls are told from others of this machine


class BadSwitches(CallyardError):
    """The file of further switches is not as it should be; the message names it, the switch and the field."""

    code = "settings.switches"


class SwitchKind(StrEnum):
    ASTERISK = "asterisk"
    FREESWITCH = "freeswitch"
    SIM = "sim"
    BOARD = "board"


@dataclass(frozen=True, slots=True)
class Peer:
    """Another switch of the centre as one of them sees it: where its SIP is, and the secret that only the two share."""

    name: str
    host: str
    port: int
    secret: str


@dataclass(frozen=True, slots=True)
class SwitchSettings:
    """One switch. ``own``: we start and configure it, in ``home``; else it runs elsewhere and is never touched.

    ``host``, ``port``, ``user``, ``secret`` are those of its control port (AMI or event socket). ``sip_host`` is where
    the other switches reach its SIP. ``prompts_dir`` and ``spool_dir`` are as the switch sees them, ``spool_here`` as
    we do. ``program`` names the program to run, empty: it is looked for. ``external_address`` is where those outside
    ``local_networks`` reach it, behind NAT; empty: at its own addresses.

    Of a voice board ``program`` names the files of its library, with ``;`` between them (empty: it is simulated),
    ``vendor`` whose interface they have, ``config`` the vendor's own configuration, ``e1`` how many E1 lines with
    signalling of ours it has. ``gateway``: it is no switch of the
    engine's; its lines are calls at ``sip_host`` and ``sip_port`` of the softswitch that is its one peer.
    """

    name: str
    kind: SwitchKind
    own: bool
    home: Path
    dist_dir: Path
    prompts_dir: Path
    spool_dir: Path
    spool_here: Path
    program: str = ""
    bind: str = "127.0.0.1"
    external_address: str = ""
    local_networks: tuple[str, ...] = ()
    host: str = "127.0.0.1"
    port: int = 0
    user: str = ""
    secret: str = ""
    sip_host: str = "127.0.0.1"
    sip_port: int = 5060
    sip_ws_port: int = 0
    sip_ws_url: str = ""
    rtp_start: int = 16384
    rtp_end: int = 18383
    peers: tuple[Peer, ...] = ()
    vendor: str = ""
    config: str = ""
    e1: int = 0
    gateway: bool = False

    @property
    def title(self) -> str:
        """The product's own spelling."""
        names = {"asterisk": "Asterisk", "freeswitch": "FreeSWITCH", "sim": "the simulator", "board": "voice board"}
        return names[self.kind]

    @property
    def speaks_sip(self) -> bool:
        """It has a configuration of ours, phones that register, and peers."""
        return self.kind in (SwitchKind.ASTERISK, SwitchKind.FREESWITCH)

    @property
    def place(self) -> str:
        return f"{self.host}:{self.port}"


_NAME = r"^[a-z][a-z0-9-]{0,31}$"
_PortNumber = Annotated[int, Field(ge=1, le=65535)]


class SwitchEntry(BaseModel):
    """One ``[[switch]]`` of the file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Annotated[str, Field(pattern=_NAME)]
    kind: Annotated[str, Field(pattern=r"^(asterisk|freeswitch)$")]
    own: bool = False
    program: str = ""
    host: str = ""
    port: _PortNumber | None = None
    user: str = "callyard"
    secret: str = ""
    sip_host: str = ""
    sip_port: _PortNumber = 5060
    sip_ws_port: Annotated[int, Field(ge=0, le=65535)] = 8088
    sip_ws_url: str = ""
    rtp_start: _PortNumber = 16384
    rtp_end: _PortNumber = 18383
    prompts: Path | None = None
    spool: Path | None = None
    spool_here: Path | None = None


class BoardEntry(BaseModel):
    """One ``[[board]]`` of the file: a further voice board, a switch of its own."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Annotated[str, Field(pattern=_NAME)]
    vendor: Annotated[str, Field(pattern=r"^(sim|donjin|synway)$")]
    face: Annotated[str, Field(pattern=r"^(donjin|synway)$")] = "synway"
    e1: Annotated[int, Field(ge=0, le=4)] = 0
    library: str = ""
    config: str = ""
    elsewhere: bool = False


class SwitchesFile(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    switch: Annotated[list[SwitchEntry], Field(max_length=MAX_SWITCHES)] = []
    board: Annotated[list[BoardEntry], Field(max_length=MAX_SWITCHES)] = []


def read_switches(path: Path) -> SwitchesFile:
    """What the file names, nothing without it. Raises ``BadSwitches``."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return SwitchesFile()
    except (OSError, UnicodeDecodeError) as error:
        raise BadSwitches(f"{path}: {error}") from error
    try:
        found = SwitchesFile.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise BadSwitches(f"{path}: {error}") from error
    except ValidationError as error:
        problem = error.errors()[0]
        where = " ".join(str(part + 1 if isinstance(part, int) else part) for part in problem["loc"])
        raise BadSwitches(f"{path}: {where}: {problem['msg']}") from error
    for entry in found.switch:
        if not entry.own and not (entry.host and entry.secret):
            raise BadSwitches(f"{path}: {entry.name}: give host and secret of its control port, or own = true")
    return found
