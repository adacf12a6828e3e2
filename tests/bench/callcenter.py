"""mod_callcenter on a running FreeSWITCH: the same phones and callers, distributed by it, to compare with."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from cti.settings import Settings
from tests.bench.stage import members
from tests.e2e.rig.switch import RunningFreeSwitch

FIRST_NUMBER = 97001
MODULE = "mod_callcenter"
QUIET_WITHIN = 40.0

_GATE = '<context name="callyard-gate">'
_EXTENSION = """
    <extension name="bench{n}">
      <condition field="destination_number" expression="^{number}$">
        <action application="answer"/>
        <action application="set" data="RECORD_STEREO=true"/>
        <action application="callcenter" data="bench{n}"/>
        <action application="hangup"/>
      </condition>
    </extension>"""
_CONFIGURATION = """
  <configuration name="callcenter.conf">
    <settings/>
    <queues>
{queues}    </queues>
    <agents>
{agents}    </agents>
    <tiers>
{tiers}    </tiers>
  </configuration>
</include>"""
_QUEUE = """      <queue name="bench{n}">
        <param name="strategy" value="longest-idle-agent"/>
        <param name="moh-sound" value="local_stream://default"/>
        <param name="record-template" value="{spool}/bench-${{uuid}}.wav"/>
        <param name="time-base-score" value="queue"/>
        <param name="max-wait-time" value="0"/>
        <param name="tier-rules-apply" value="false"/>
        <param name="discard-abandoned-after" value="1"/>
        <param name="abandoned-resume-allowed" value="false"/>
      </queue>
"""
_AGENT = (
    '      <agent name="{number}" type="callback" contact="{{originate_timeout=15}}sofia/callyard/{number}%callyard" '
    'status="Available" max-no-answer="0" wrap-up-time="0" reject-delay-time="0" busy-delay-time="0" '
    'no-answer-delay-time="0"/>\n'
)
_TIER = '      <tier agent="{number}" queue="bench{n}" level="1" position="1"/>\n'


@contextmanager
def callcenter(
    settings: Settings, switch: RunningFreeSwitch, agents: Sequence[str], *, queues: int = 1
) -> Iterator[list[str]]:
    """Load mod_callcenter with the phones ``agents``, nobody made to wait by it; gives the numbers to call.

    It is unloaded and everything as it was afterwards.
    """
    home = settings.switches()[0].home
    etc = home / "etc"
    texts = _changed(etc, agents, home / "storage", queues)
    before = {name: (etc / name).read_text("utf-8") for name in texts}
    try:
        _put(switch, etc, texts)
        if not switch.rx(f"load {MODULE}").startswith("+OK"):
            raise AssertionError(f"{MODULE} does not load")
        yield [str(FIRST_NUMBER + n) for n in range(queues)]
    finally:
        switch.hang_up_everybody()
        _wait_empty(switch)
        switch.rx(f"unload {MODULE}")
        for file in (home / "db").glob("callcenter.db*"):
            file.unlink()
        _put(switch, etc, before)


def _changed(etc: Path, agents: Sequence[str], spool: Path, queues: int) -> dict[str, str]:
    dialplan, configuration = ((etc / name).read_text("utf-8") for name in ("dialplan.xml", "configuration.xml"))
    ours = _CONFIGURATION.format(
        queues="".join(_QUEUE.format(n=n, spool=spool) for n in range(queues)),
        agents="".join(_AGENT.format(number=number) for number in agents),
        tiers="".join(_TIER.format(number=a, n=n) for n in range(queues) for a in members(agents, queues, n)),
    )
    head, _, tail = configuration.rpartition("</include>")
    extensions = "".join(_EXTENSION.format(n=n, number=FIRST_NUMBER + n) for n in range(queues))
    return {
        "dialplan.xml": dialplan.replace(_GATE, _GATE + extensions, 1),
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
