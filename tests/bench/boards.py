"""``boards``: the simulated board in real time, 120 channels talking: its share of a core, how late its ticks are.

Sixty callers on outside lines, each joined with a lifted telephone; on every channel digits and tones are looked for,
both sides speak, some press keys, and one in ten is recorded. Then ten minutes of generated speech are searched for
digits that nobody pressed. ``python -m tests.bench boards``; alone: ``python -m tests.bench.boards``.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.unit.cards_sim import DonjinBench
from tests.unit.test_cards_sim_signals import said, speech

PAIRS, SECONDS, POLL = 60, 60.0, 0.01
TALK_OFF_SECONDS = 600
KEYS = "1234567890"


async def measure(seconds: float = SECONDS) -> dict[str, Any]:
    folder = Path(tempfile.mkdtemp(prefix="cyb-"))
    try:
        return await _live(folder, seconds) | _talk_off()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def _live(folder: Path, seconds: float) -> dict[str, Any]:
    board = DonjinBench(trunks=PAIRS, extensions=PAIRS, noise=-60)
    for ch in range(PAIRS):
        board.answered(ch, f"wait {1 + ch % 7}; digits {KEYS}; tone {400 + 10 * ch} 1; repeat")
        board.line(PAIRS + ch).do(f"lift; tone {500 + 10 * ch} 2; wait 1; digits 12*#; repeat")
    board.run(0.5)
    for ch in range(PAIRS):
        assert board.lib.SetLink(ch, PAIRS + ch) == 0
        board.keys(ch)
    for ch in range(0, PAIRS, 10):
        assert board.lib.StartRecordFile(ch, bytes(folder / f"{ch}.al"), 0)
    board.sim.clear_statistics()
    began, used = time.monotonic(), time.process_time()
    board.sim.real_time()
    polling = 0.0
    while time.monotonic() - began < seconds:
        at = time.thread_time()
        board.poll()
        polling += time.thread_time() - at
        await asyncio.sleep(POLL)
    took, used = time.monotonic() - began, time.process_time() - used
    board.sim.real_time(False)
    board.lib.StopRecordFile(0)
    now = board.sim.statistics()
    return {
        "channels": 2 * PAIRS,
        "core_share": round(now.busy_total_s / took, 3),
        "process_core_share": round(used / took, 3),
        "us_per_channel_tick": round(now.busy_total_s / now.ticks / (2 * PAIRS) * 1e6, 2),
        "late_p50_ms": now.late_p50_us / 1000,
        "late_p99_ms": now.late_p99_us / 1000,
        "late_max_ms": now.late_max_us / 1000,
        "tick_p99_ms": now.busy_p99_us / 1000,
        "ticks": now.ticks,
        "lost_ticks": now.lost + max(0, round(took * 50) - now.ticks - 2),
    }


def _talk_off() -> dict[str, Any]:
    board = DonjinBench(trunks=1, extensions=0)
    board.answered(0, "wait 3600")
    words = speech(TALK_OFF_SECONDS)
    said(board, words)
    return {"speech_seconds": len(words) / 8000, "false_digits": len(board.keys(0))}


if __name__ == "__main__":
    print(json.dumps(asyncio.run(measure()), indent=2))
