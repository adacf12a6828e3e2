"""Settings: environment variables ``CALLYARD_*`` over ``<var>/callyard.env`` over these defaults.

Only the edge (bootstrap, cli, serve, web factory) reads them; everything inside gets plain values.
"""

from __future__ import annotations

import os
from enum import StrEnum
from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class SwitchChoice(StrEnum):
    AUTO = "auto"  # a private Asterisk, or the simulator with a plain notice where none is to be had
    ASTERISK = "asterisk"
    FREESWITCH = "freeswitch"
    SIM = "sim"


class Settings(BaseSettings):
    """Paths are absolute after ``load_settings``. Secrets left empty are made at random in ``<var>/secrets`` (0600)."""

    model_config = SettingsConfigDict(env_prefix="CALLYARD_", extra="ignore")

    var: Path = Field(default=Path("var"), description="everything that is written at run time")
    dist: Path | None = Field(default=None, description="unpacked third-party programs; default <var>/dist")
    bind: str = Field(default="127.0.0.1", description="address that web, SIP, websocket and RTP listen on")

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

    engine_metrics_port: int = 9101
    worker_metrics_port: int = 9102
    log_level: str = "info"
    demo: bool = Field(default=True, description="fill an empty database with demo data")

    @property
    def dist_dir(self) -> Path:
        return self.dist or self.var / "dist"

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


def load_settings(var: str | os.PathLike[str] | None = None) -> Settings:
    """Read settings, make paths absolute. Raises ``pydantic.ValidationError`` naming the setting."""
    root = Path(var or os.environ.get("CALLYARD_VAR", "var")).resolve()
    settings = Settings(_env_file=root / "callyard.env", var=root)  # type: ignore[call-arg]
    settings.var = root
    if settings.dist is not None:
        settings.dist = settings.dist.resolve()
    return settings
