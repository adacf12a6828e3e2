"""mod_callcenter on a running FreeSWITCH: the same phones and callers, distributed by it, to compare with."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from cti.settings import Settings
from tests.e2e.rig.switch import RunningFreeSwitch

NUMBER = "97001"
MODULE = "mod_callcenter"
QUIET_WITHIN = 40.0

_GATE = '<context name="callyard-gate">'
_EXTENSION = """
    <extension name="bench">
      <condition field="destination_number" expression="^{number}$">
        <action application="answer"/>
        <action application="set" data="RECORD_STEREO=true"/>
        <action application="callcenter" data="bench"/>
        <action application="hangup"/>
      </condition>
    </extension>"""
_CONFIGURATION = """
  <configuration name="callcenter.conf">
    <settings/>
    <queues>
      <queue name="bench">
        <param name="strategy" value="longest-idle-agent"/>
        <param name="moh-sound" value="local_stream://default"/>
        <param name="record-template" value="{spool}/bench-${{uuid}}.wav"/>
        <param name="time-base-score" value="queue"/>
        <param name="max-wait-time" value="0"/>
        <param name="tier-rules-apply" value="false"/>
        <param name="discard-abandoned-after" value="1"/>
        <param name="abandoned-resume-allowed" value="false"/>
      </queue>
    </queues>
    <agents>
{agents}    </agents>
    <tiers>
{tiers}    </tiers>
  </configuration>
</include>"""
_AGENT = (
    '      <agent name="{number}" type="callback" contact="{{originate_timeout=15}}sofia/callyard/{number}%callyard" '
    'status="Available" max-no-answer="0" wrap-up-time="0" reject-delay-time="0" busy-delay-time="0" '
    'no-answer-delay-time="0"/>\n'
)
_TIER = '      <tier agent="{number}" queue="bench" level="1" position="1"/>\n'


@contextmanager
def callcenter(settings: Settings, switch: RunningFreeSwitch, agents: Sequence[str]) -> Iterator[str]:
    """Load mod_callcenter with the phones ``agents``, nobody made to wait by it; gives the number to call.

    It is unloaded and everything as it was afterwards.
    """
    home = settings.switches()[0].home
    etc = home / "etc"
    texts = _changed(etc, agents, home / "storage")
    before = {name: (etc / name).read_text("utf-8") for name in texts}
    try:
        _put(switch, etc, texts)
        if not switch.rx(f"load {MODULE}").startswith("+OK"):
            raise AssertionError(f"{MODULE} does not load")
        yield NUMBER
    finally:
        switch.hang_up_everybody()
        _wait_empty(switch)
        switch.rx(f"unload {MODULE}")
        for file in (home / "db").glob("callcenter.db*"):
            file.unlink()
        _put(switch, etc, before)


def _changed(etc: Path, agents: Sequence[str], spool: Path) -> dict[str, str]:
    dialplan, configuration = ((etc / name).read_text("utf-8") for name in ("dialplan.xml", "configuration.xml"))
    ours = _CONFIGURATION.format(
        spool=spool,
        agents="".join(_AGENT.format(number=number) for number in agents),
        tiers="".join(_TIER.format(number=number) for number in agents),
    )
    head, _, tail = configuration.rpartition("</include>")
    return {
        "dialplan.xml": dialplan.replace(_GATE, _GATE + _EXTENSION.format(number=NUMBER), 1),
        "configuration.xml": head + ours + tail,
    }


def _put(switch: RunningFreeSwitch, etc: Path, texts: dict[str, str]) -> None:
    for name, text in texts.items():
        (etc / name).write_text(text, "utf-8")
    switch.rx("reloadxml")


def _wait_empty(switch: RunningFreeSwitch) -> None:
    end = time.monotonic() + QUIET_WITHIN
    while switch.channels():
        if time.monotonic() > end:
            raise AssertionError("calls of mod_callcenter do not end")
        time.sleep(0.1)
