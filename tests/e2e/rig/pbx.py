"""Somebody else's telephone exchange: a second Asterisk, or a FreeSWITCH, with a telephone of its own, connected to
Callyard by exactly the lines that docs/operations.md tells its administrator to write.

Knows nothing of Callyard but its SIP address. Its own telephone needs no password here.
"""

from __future__ import annotations

import itertools
import os
import re
import signal
import socket
import subprocess
import time
from pathlib import Path

from cti.provision.asterisk import ensure_asterisk
from cti.provision.freeswitch import find_freeswitch
from cti.settings import Settings, SwitchChoice, SwitchKind, SwitchSettings
from tests.ports import free_port, free_range

GUIDE = Path(__file__).parents[3] / "docs" / "operations.md"
CALLYARD, PBX = "192.0.2.10", "192.0.2.20"  # what the guide calls the two machines
PHONE = "201"  # the exchange's own telephone
READY = 30.0


def told(mark: str) -> str:
    """The block of the guide whose first line contains ``mark``."""
    blocks = re.findall(r"^ *```\w+\n(.*?)^ *```$", GUIDE.read_text("utf-8"), re.M | re.S)
    found = [block for block in blocks if mark in block.split("\n", 1)[0]]
    assert len(found) == 1, f"{len(found)} blocks of {GUIDE.name} begin with {mark!r}"
    return re.sub(r"^ {3}(?=\S)", "", found[0], flags=re.M)


class Exchange:
    """``address`` is where it listens; ``callyard`` where Callyard does, as ``host:port``."""

    def __init__(self, folder: Path, callyard: str) -> None:
        self.folder, self.callyard = folder, callyard
        self.host, self.port = "127.0.0.1", free_port()
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        return f"{self.host}:{self.port}"

    def placed(self, text: str) -> str:
        """The guide's text with the addresses of this test in place of the guide's."""
        ours = self.callyard.split(":")[0]
        text = text.replace(f"{CALLYARD}:5060", self.callyard).replace(CALLYARD, ours)
        text = text.replace(re.escape(CALLYARD), re.escape(ours))
        return text.replace(f"{PBX}:5060", self.address).replace(f"{PBX}:5080", self.address).replace(PBX, self.host)

    def write(self, name: str, text: str) -> None:
        path = self.folder / name
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.write_text(text, "utf-8")

    def launch(self, argv: list[str]) -> None:
        with (self.folder / "out.log").open("wb") as log:
            self.process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def stop(self) -> None:
        if self.process is None:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(10)

    def _until_it_answers(self) -> None:
        """A FreeSWITCH that is still starting listens, and answers 503 to everything."""
        end = time.monotonic() + READY
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
            asking.bind((self.host, 0))
            asking.settimeout(0.3)
            for number in itertools.count():
                assert self.process is not None
                assert self.process.poll() is None, (self.folder / "out.log").read_text(errors="replace")[-2000:]
                assert time.monotonic() < end, f"{type(self).__name__} is not ready after {READY} s"
                question = _OPTIONS.format(to=self.address, port=asking.getsockname()[1], number=number)
                asking.sendto(question.encode(), (self.host, self.port))
                try:
                    if b" 503 " not in asking.recv(4096).split(b"\r\n")[0]:
                        return
                except (TimeoutError, ConnectionRefusedError):
                    continue


class AsteriskExchange(Exchange):
    """``registered``: Callyard signs on here with ``username`` and ``password``, else it is known by its address."""

    username, password = "callyard", "as-long-as-you-like-1"

    def start(self, settings: Settings, *, registered: bool = False) -> AsteriskExchange:
        trunk = "; pjsip.conf: Callyard signs on here" if registered else "; pjsip.conf: Callyard by its address"
        pjsip = self.placed(_PJSIP.format(host=self.host, port=self.port) + told(trunk))
        return self.run(settings, pjsip, self.placed(_EXTENSIONS + told("; extensions.conf of the exchange")))

    def run(self, settings: Settings, pjsip: str, extensions: str, ports: int = 100) -> AsteriskExchange:
        """With these files, and so many ports for sound."""
        installation = ensure_asterisk(_one_of(settings, SwitchKind.ASTERISK), lambda _: None)
        first, last = free_range(ports)
        self.write("asterisk.conf", _asterisk_conf(self.folder, installation.module_dir, installation.data_dir))
        self.write("modules.conf", "[modules]\nautoload = no\n" + "".join(f"load = {m}.so\n" for m in _MODULES))
        self.write("logger.conf", "[logfiles]\nconsole => notice,warning,error\n")
        self.write("rtp.conf", f"[general]\nrtpstart = {first}\nrtpend = {last}\n")
        self.write("pjsip.conf", pjsip)
        self.write("extensions.conf", extensions)
        for name in ("run", "db", "log", "spool"):
            (self.folder / name).mkdir(mode=0o700, exist_ok=True)
        self.launch([*installation.argv_prefix, "-C", str(self.folder / "asterisk.conf"), "-f", "-n"])
        self._until_it_answers()
        return self


class FreeSwitchExchange(Exchange):
    """With the files that the guide tells to put into the stock profile ``external`` and its contexts."""

    @staticmethod
    def missing(settings: Settings) -> bool:
        return find_freeswitch(_one_of(settings, SwitchKind.FREESWITCH)) is None

    def start(self, settings: Settings) -> FreeSwitchExchange:
        marks = {
            "external/callyard.xml": "<!-- sip_profiles/external/callyard.xml -->",
            "public/10_callyard.xml": "<!-- dialplan/public/10_callyard.xml -->",
            "default/10_callyard.xml": "<!-- dialplan/default/10_callyard.xml -->",
        }
        return self.run(settings, {name: self.placed(told(mark)) for name, mark in marks.items()})

    def run(
        self, settings: Settings, files: dict[str, str], codec: str = "PCMU", sessions: int = 100
    ) -> FreeSwitchExchange:
        """With these files, and ports for the sound of so many calls."""
        installation = find_freeswitch(_one_of(settings, SwitchKind.FREESWITCH))
        assert installation is not None
        first, last = free_range(4 * sessions)
        values = {"host": self.host, "port": self.port, "first": first, "last": last}
        self.write("freeswitch.xml", _FREESWITCH.format(**values, codec=codec, sessions=sessions))
        for name, text in files.items():
            self.write(name, text)
        places = {name: self.folder / name for name in ("log", "db", "run", "certs", "scripts", "temp", "cache")}
        for place in places.values():
            place.mkdir(mode=0o700, exist_ok=True)
        options = [part for name, place in places.items() for part in (f"-{name}", str(place))]
        options += ["-storage", str(self.folder / "db"), "-recordings", str(self.folder), "-sounds", str(self.folder)]
        options += ["-conf", str(self.folder), "-mod", str(installation.module_dir)]
        self.launch([os.fspath(installation.program), "-nf", "-nc", "-np", "-nonat", *options])
        self._until_it_answers()
        return self


def _one_of(settings: Settings, kind: SwitchKind) -> SwitchSettings:
    """Where a program of this kind is looked for, whichever switch the product itself runs on."""
    return settings.model_copy(update={"switch": SwitchChoice(kind.value)}).switches()[0]


def _asterisk_conf(folder: Path, modules: Path, data: Path) -> str:
    places = {"astetcdir": folder, "astmoddir": modules, "astvarlibdir": folder, "astdbdir": folder / "db"}
    places |= {"astkeydir": folder, "astdatadir": data, "astagidir": folder, "astspooldir": folder / "spool"}
    places |= {"astrundir": folder / "run", "astlogdir": folder / "log"}
    lines = [f"{name} => {place}" for name, place in places.items()]
    return "\n".join(["[directories]", *lines, "", "[options]", "documentation_language = en_US", ""])


_OPTIONS = (
    "OPTIONS sip:{to} SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:{port};rport;branch=z9hG4bKready{number}\r\n"
    "Max-Forwards: 70\r\nFrom: <sip:ready@127.0.0.1>;tag={port}\r\nTo: <sip:{to}>\r\nCall-ID: ready-{port}-{number}\r\n"
    "CSeq: 1 OPTIONS\r\nContact: <sip:ready@127.0.0.1:{port}>\r\nContent-Length: 0\r\n\r\n"
)
_MODULES = (
    "res_pjproject",
    "res_sorcery_config",
    "res_sorcery_memory",
    "res_sorcery_astdb",
    "res_pjsip",
    "res_pjsip_pubsub",
    "res_pjsip_session",
    "res_pjsip_authenticator_digest",
    "res_pjsip_caller_id",
    "res_pjsip_dtmf_info",
    "res_pjsip_endpoint_identifier_ip",
    "res_pjsip_endpoint_identifier_user",
    "res_pjsip_header_funcs",
    "res_pjsip_nat",
    "res_pjsip_outbound_authenticator_digest",
    "res_pjsip_registrar",
    "res_pjsip_rfc3326",
    "res_pjsip_sdp_rtp",
    "chan_pjsip",
    "res_timing_timerfd",
    "res_rtp_asterisk",
    "codec_a_mu",
    "codec_alaw",
    "codec_ulaw",
    "codec_resample",
    "format_pcm",
    "bridge_simple",
    "bridge_builtin_features",
    "app_dial",
    "app_echo",
    "app_milliwatt",
    "app_playtones",
    "func_callerid",
    "func_channel",
    "func_strings",
    "func_hangupcause",
    "pbx_config",
)
_PJSIP = f"""[global]
type = global
endpoint_identifier_order = username,ip

[transport-udp]
type = transport
protocol = udp
bind = {{host}}:{{port}}

[{PHONE}]
type = endpoint
context = from-internal
disallow = all
allow = ulaw
aors = {PHONE}
direct_media = no

[{PHONE}]
type = aor
max_contacts = 1

"""
_EXTENSIONS = """[from-internal]
exten => 600,1,Answer()
 same => n,Milliwatt()
exten => 601,1,Hangup(17)
exten => _20X,1,Dial(PJSIP/${EXTEN},30)
 same => n,Hangup()

"""
_FREESWITCH = f"""<document type="freeswitch/xml">
  <section name="configuration">
    <configuration name="switch.conf"><settings>
      <param name="rtp-start-port" value="{{first}}"/><param name="rtp-end-port" value="{{last}}"/>
      <param name="max-sessions" value="{{sessions}}"/><param name="sessions-per-second" value="50"/>
      <param name="dump-cores" value="false"/>
    </settings></configuration>
    <configuration name="modules.conf"><modules>
      <load module="mod_commands"/><load module="mod_dptools"/><load module="mod_dialplan_xml"/>
      <load module="mod_tone_stream"/><load module="mod_sofia"/>
    </modules></configuration>
    <configuration name="acl.conf"><network-lists/></configuration>
    <configuration name="sofia.conf"><global_settings/><profiles>
      <profile name="external">
        <gateways>
          <X-PRE-PROCESS cmd="include" data="external/*.xml"/>
        </gateways>
        <domains><domain name="all" alias="true" parse="false"/></domains>
        <settings>
          <param name="sip-ip" value="{{host}}"/><param name="rtp-ip" value="{{host}}"/>
          <param name="sip-port" value="{{port}}"/><param name="context" value="public"/>
          <param name="dialplan" value="XML"/><param name="auth-calls" value="false"/>
          <param name="inbound-codec-prefs" value="{{codec}}"/><param name="outbound-codec-prefs" value="{{codec}}"/>
          <param name="force-register-domain" value="exchange"/>
          <param name="force-register-db-domain" value="exchange"/>
          <param name="accept-blind-reg" value="true"/>
          <param name="challenge-realm" value="exchange"/><param name="tls" value="false"/>
        </settings>
      </profile>
    </profiles></configuration>
  </section>
  <section name="directory">
    <domain name="exchange"><user id="{PHONE}"/></domain>
  </section>
  <section name="dialplan">
    <context name="public">
      <extension name="from-phone">
        <condition field="caller_id_number" expression="^{PHONE}$"/>
        <condition field="destination_number" expression="^(8\\d+)$">
          <action application="transfer" data="$1 XML default"/>
        </condition>
      </extension>
      <X-PRE-PROCESS cmd="include" data="public/*.xml"/>
    </context>
    <context name="default">
      <extension name="tone">
        <condition field="destination_number" expression="^600$">
          <action application="answer"/>
          <action application="playback" data="tone_stream://%(1000,0,1004);loops=-1"/>
        </condition>
      </extension>
      <extension name="busy">
        <condition field="destination_number" expression="^601$"><action application="respond" data="486"/></condition>
      </extension>
      <extension name="phone">
        <condition field="destination_number" expression="^(20.)$">
          <action application="bridge" data="${{{{sofia_contact(external/$1@exchange)}}}}"/>
        </condition>
      </extension>
      <X-PRE-PROCESS cmd="include" data="default/*.xml"/>
    </context>
  </section>
</document>
"""
