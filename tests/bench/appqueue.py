"""app_queue on a running Asterisk: the same phones and callers, distributed by Asterisk itself, to compare with."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from tests.bench.stage import members
from tests.e2e.rig.switch import RunningSwitch

FIRST_NUMBER = 97001
DEFAULT_RETRY = 5

_GENERAL = """[general]
persistentmembers=no
autofill=yes
monitor-type=MixMonitor
"""
_QUEUE = """[bench{n}]
strategy=leastrecent
timeout=15
retry={retry}
wrapuptime=0
autofill=yes
ringinuse=no
musicclass=default
"""


@contextmanager
def app_queue(
    switch: RunningSwitch, agents: Sequence[str], *, retry: int = DEFAULT_RETRY, queues: int = 1
) -> Iterator[list[str]]:
    """Load app_queue with the phones ``agents`` as members; gives the numbers to call; unloads it afterwards.

    ``retry`` is app_queue's own pause between attempts, in seconds: 5 by default, 1 is the least that it takes.
    """
    numbers = [str(FIRST_NUMBER + n) for n in range(queues)]
    text = _GENERAL
    for n in range(queues):
        text += _QUEUE.format(n=n, retry=retry)
        text += "".join(f"member => PJSIP/{agent}\n" for agent in members(agents, queues, n))
    (switch.etc / "queues.conf").write_text(text, "utf-8")
    switch.rx("module load app_queue.so")
    switch.wait_rx("queue show", f"PJSIP/{agents[0]}")
    for n, number in enumerate(numbers):
        for priority, step in enumerate(
            ("Answer()", "MixMonitor(bench-${UNIQUEID}.wav)", f"Queue(bench{n},tk)", "Hangup()"), 1
        ):
            app = step.replace(",", "\\,")
            switch.rx(f"dialplan add extension {number},{priority},{app} into callyard-trunk")
    try:
        yield numbers
    finally:
        switch.rx("channel request hangup all")
        switch.wait_rx("core show channels count", "\n0 of ", 40)
        for number in numbers:
            switch.rx(f"dialplan remove extension {number}@callyard-trunk")
        switch.rx("module unload app_queue.so")
