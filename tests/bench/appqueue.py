"""app_queue on a running Asterisk: the same phones and callers, distributed by Asterisk itself, to compare with."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from tests.e2e.rig.switch import RunningSwitch

NUMBER = "97001"
DEFAULT_RETRY = 5

_QUEUES = """[general]
persistentmembers=no
autofill=yes
monitor-type=MixMonitor
[bench]
strategy=leastrecent
timeout=15
retry={retry}
wrapuptime=0
autofill=yes
ringinuse=no
musicclass=default
"""


@contextmanager
def app_queue(switch: RunningSwitch, agents: Sequence[str], *, retry: int = DEFAULT_RETRY) -> Iterator[str]:
    """Load app_queue with the phones ``agents`` as members; gives the number to call; unloads it afterwards.

    ``retry`` is app_queue's own pause between attempts, in seconds: 5 by default, 1 is the least that it takes.
    """
    members = "".join(f"member => PJSIP/{agent}\n" for agent in agents)
    (switch.etc / "queues.conf").write_text(_QUEUES.format(retry=retry) + members, "utf-8")
    switch.rx("module load app_queue.so")
    switch.wait_rx("queue show bench", f"PJSIP/{agents[0]}")
    for priority, step in enumerate(
        ("Answer()", "MixMonitor(bench-${UNIQUEID}.wav)", "Queue(bench,tk)", "Hangup()"), 1
    ):
        app = step.replace(",", "\\,")
        switch.rx(f"dialplan add extension {NUMBER},{priority},{app} into callyard-trunk")
    try:
        yield NUMBER
    finally:
        switch.rx("channel request hangup all")
        switch.wait_rx("core show channels count", "\n0 of ", 40)
        switch.rx(f"dialplan remove extension {NUMBER}@callyard-trunk")
        switch.rx("module unload app_queue.so")
