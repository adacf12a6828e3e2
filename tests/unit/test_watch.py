"""A program that telephones wait for: what it computes without end, or not at all, is nobody else's harm."""

from __future__ import annotations

import json
import os
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from cti.provision.child import Child
from cti.provision.priority import Priority
from cti.provision.watch import LOST_STATUS

as_root = pytest.mark.skipif(os.getuid() != 0, reason="only root is sure to be let into real time")

PROGRAM = """
import asyncio, os, threading, time
import structlog
from cti.provision import watch
watch.EVERY, watch.COMPUTED, watch.WELL, watch.SILENT = 0.05, 0.1, 2, 1000
structlog.configure(processors=[structlog.processors.add_log_level, structlog.processors.JSONRenderer()])
END = time.monotonic() + 20

def real_time():
    return {os.sched_getscheduler(int(n)) for n in os.listdir("/proc/self/task")}

def compute_until(policy):
    while real_time() != {policy} and time.monotonic() < END: pass

async def wait_until(policy):
    while real_time() != {policy} and time.monotonic() < END: await asyncio.sleep(0.01)

async def run():
    async with watch.watched_loop():
        await main()
        structlog.get_logger().info("ended")
"""


async def told_by(body: str, priority: Priority = Priority.TELEPHONES) -> tuple[int, list[dict[str, Any]]]:
    lines: list[str] = []
    script = PROGRAM + textwrap.dedent(body) + "\nasyncio.run(run())"
    child = await Child.start((sys.executable, "-c", script), os.environ, lines.append, priority)
    status = await child.wait()
    assert all(line.startswith("{") for line in lines), lines
    return status, [json.loads(line) for line in lines]


@as_root
async def test_a_program_that_only_computes_gives_real_time_up_until_it_is_well_and_says_where_it_was() -> None:
    status, told = await told_by("""
        async def main():
            for _ in range(2):
                compute_until(os.SCHED_OTHER)
                await wait_until(os.SCHED_RR)
    """)
    assert status == 0
    assert [line["event"] for line in told] == ["processor.stuck", "processor.real_time_again"] * 2 + ["ended"]
    assert told[0]["thread"] == "MainThread"
    assert "compute_until" in told[0]["where"]


@as_root
async def test_a_loop_with_more_to_do_than_it_can_is_busy_and_not_stuck() -> None:
    _, told = await told_by("""
        async def main():
            while real_time() != {os.SCHED_OTHER} and time.monotonic() < END:
                await asyncio.sleep(0)
    """)
    assert [line["event"] for line in told] == ["processor.busy", "ended"]


@as_root
async def test_another_thread_that_computes_is_named() -> None:
    _, told = await told_by("""
        async def main():
            reader = threading.Thread(target=compute_until, args=(os.SCHED_OTHER,), name="reader")
            reader.start()
            while reader.is_alive(): await asyncio.sleep(0.01)
    """)
    assert told[0]["thread"] == "reader"
    assert "compute_until" in told[0]["where"]


@pytest.mark.parametrize("what", ["time.sleep(20)", "compute_until(-1)"], ids=["hangs", "computes"])
async def test_a_loop_that_does_not_turn_any_more_ends_the_program(what: str) -> None:
    status, told = await told_by(
        f"""
        watch.SILENT, watch.LOST = 2, 4
        async def main(): {what}
    """,
        Priority.ORDINARY,
    )
    assert status == LOST_STATUS
    assert [line["event"] for line in told] == ["loop.stuck", "loop.lost"]
    assert "main" in told[0]["where"]


@as_root
async def test_what_lets_not_even_the_watch_run_is_killed_by_the_kernel() -> None:
    status, _ = await told_by("""
        watch.KILLED = 1
        async def main():
            import re
            re.match("(a+)+$", "a" * 40 + "b")  # without a pause, and with the interpreter's lock
    """)
    assert status == -9


async def test_it_ends_with_what_it_watches_and_leaves_ordinary_programs_as_they_are() -> None:
    status, told = await told_by(
        """
        async def main(): pass
        async def run():
            before = real_time(), threading.active_count()
            async with watch.watched_loop(): await asyncio.sleep(0.2)
            structlog.get_logger().info(before == (real_time(), threading.active_count()))
    """,
        Priority.ORDINARY,
    )
    assert (status, told[0]["event"]) == (0, True)


async def test_a_boards_host_needs_nothing_that_windows_lacks() -> None:
    """Vendors' libraries are at home there."""
    lines: list[str] = []
    script = (
        "import sys; sys.modules.update(dict.fromkeys(('resource', 'fcntl', 'pwd', 'grp', 'termios')))\n"
        "import cards.host.__main__; print('on')"
    )
    child = await Child.start((sys.executable, "-c", script), os.environ, lines.append)
    assert (await child.wait(), lines) == (0, ["on"])


@as_root
async def test_a_compiler_that_a_board_needs_is_no_real_time_program(tmp_path: Path) -> None:
    compiler = tmp_path / "cc"
    compiler.write_text(f"#!{sys.executable}\nimport os, sys; sys.exit(f'error: {{os.sched_getscheduler(0)}}')\n")
    compiler.chmod(0o755)
    script = (
        "from pathlib import Path; import os; from cards.sim.build import BuildFailed, program\n"
        f"folder = Path({str(tmp_path)!r})\n"
        "try: program('it', folder / 'cc', {}, (), folder)\n"
        "except BuildFailed as error: print(error, os.sched_getscheduler(0))"
    )
    lines: list[str] = []
    child = await Child.start(
        (sys.executable, "-c", script), {**os.environ, "CC": str(compiler)}, lines.append, Priority.TELEPHONES
    )
    await child.wait()
    assert lines == [f"it could not be compiled: error: {os.SCHED_OTHER} {os.SCHED_RR}"]
