"""The supervisor: programs start in order, come back when they die, and nothing is left when it ends."""

from __future__ import annotations

import asyncio
import dataclasses
import os
import re
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from cti import serve
from cti.provision.child import Child
from cti.provision.priority import Priority
from cti.provision.programs import Program
from cti.provision.supervisor import StartFailed, Supervisor
from cti.settings import Settings

DEADLINE = 15.0


class Lines:
    """A log that keeps what it was told."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, str]] = []

    def line(self, name: str, text: str, quiet: bool = False) -> None:
        self.lines.append((name, text))

    def said(self, part: str) -> bool:
        return any(part in text for _, text in self.lines)


async def until(condition: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < end, f"not in {DEADLINE} s: {what}"
        await asyncio.sleep(0.02)


def alive(pid: int) -> bool:
    """A zombie is dead: only its parent has not looked yet."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()[0] not in {"Z", "X"}
    except OSError:
        return False


def program(folder: Path, name: str, body: str, *, grace: float = 5.0, ready_within: float = DEADLINE) -> Program:
    """A Python program that is ready when it has written its process id to ``<folder>/<name>``."""
    mark = folder / name
    script = (
        "import os, signal, subprocess, sys, time\n"
        f"def ready():\n    open({str(mark)!r} + '.t', 'w').write(str(os.getpid()))\n"
        f"    os.rename({str(mark)!r} + '.t', {str(mark)!r})\n" + textwrap.dedent(body)
    )

    async def probe() -> bool:
        return mark.exists()

    return Program(name, (sys.executable, "-c", script), probe, ready_within, grace)


def pid_of(folder: Path, name: str) -> int:
    return int((folder / name).read_text(encoding="utf-8"))


STAYS = "ready()\nwhile True: signal.pause()"


async def test_programs_start_in_order_and_all_end(tmp_path: Path) -> None:
    second = f"assert os.path.exists({str(tmp_path / 'first')!r}), 'first was not ready'\n{STAYS}"
    supervisor = Supervisor(
        [[program(tmp_path, "first", STAYS)], [program(tmp_path, "second", second)]], os.environ, Lines()
    )
    await supervisor.start()
    pids = [pid_of(tmp_path, name) for name in ("first", "second")]
    assert all(alive(pid) for pid in pids)
    await supervisor.stop()
    assert not any(alive(pid) for pid in pids)


async def test_a_program_that_dies_is_started_again(tmp_path: Path) -> None:
    log = Lines()
    supervisor = Supervisor([[program(tmp_path, "engine", STAYS)]], os.environ, log)
    await supervisor.start()
    first = pid_of(tmp_path, "engine")
    os.kill(first, signal.SIGKILL)
    await until(lambda: pid_of(tmp_path, "engine") != first, "a new process")
    assert log.said("engine was ended by SIGKILL; starting it again")
    await supervisor.stop()
    assert not alive(pid_of(tmp_path, "engine"))


async def test_a_program_that_ignores_the_signal_is_killed_with_all_it_started(tmp_path: Path) -> None:
    body = f"""
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        child = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"])
        open({str(tmp_path / "grandchild")!r}, "w").write(str(child.pid))
        ready()
        while True: signal.pause()
    """
    supervisor = Supervisor([[program(tmp_path, "deaf", body, grace=0.3)]], os.environ, Lines())
    await supervisor.start()
    pids = [pid_of(tmp_path, "deaf"), pid_of(tmp_path, "grandchild")]
    assert all(alive(pid) for pid in pids)
    await supervisor.stop()
    await until(lambda: not any(alive(pid) for pid in pids), "both gone")


async def test_a_program_that_cannot_start_is_named_with_its_last_words(tmp_path: Path) -> None:
    supervisor = Supervisor([[program(tmp_path, "engine", "sys.exit('no such table: agents')")]], os.environ, Lines())
    with pytest.raises(StartFailed, match="engine does not stay up: no such table: agents"):
        await supervisor.start()
    await supervisor.stop()


async def test_a_program_that_is_never_ready_is_named(tmp_path: Path) -> None:
    slow = program(tmp_path, "web", "print('still thinking', flush=True)\nsignal.pause()", ready_within=1.0)
    supervisor = Supervisor([[slow]], os.environ, Lines())
    with pytest.raises(StartFailed, match="web not ready in 1 s: still thinking"):
        await supervisor.start()
    await supervisor.stop()
    assert not any(keeper.pid for keeper in supervisor.keepers)


async def test_a_missing_program_is_named(tmp_path: Path) -> None:
    async def never() -> bool:
        return False

    missing = Program("bus", (str(tmp_path / "nats-server"),), never, 10.0)
    supervisor = Supervisor([[missing]], os.environ, Lines())
    with pytest.raises(StartFailed, match=r"bus does not stay up.*No such file"):
        await supervisor.start()
    await supervisor.stop()


async def test_a_spoilt_program_is_started_anew_when_that_can_help(tmp_path: Path) -> None:
    """A bus that met a full disk refuses every write until it is started again."""
    full = tmp_path / "full"
    full.touch()
    body = f"ready()\nif os.path.exists({str(full)!r}): print('no space left on device', flush=True)\n{STAYS}"
    spoilt = dataclasses.replace(
        program(tmp_path, "bus", body), spoilt=re.compile("no space left"), mendable=lambda: not full.exists()
    )
    log = Lines()
    supervisor = Supervisor([[spoilt]], os.environ, log)
    await supervisor.start()
    first = pid_of(tmp_path, "bus")
    await until(lambda: log.said("no space left on device"), "the complaint")
    assert alive(first)
    full.unlink()
    await until(lambda: pid_of(tmp_path, "bus") != first, "a new process")
    assert log.said("bus is started anew")
    await supervisor.stop()


async def test_output_comes_line_by_line_whatever_it_holds() -> None:
    lines: list[str] = []
    script = "import os; os.write(1, b'one\\ntw'); os.write(1, b'o\\xff\\n' + b'x' * 100_000 + b'\\nlast')"
    child = await Child.start((sys.executable, "-c", script), os.environ, lines.append)
    assert await child.wait() == 0
    assert lines[:2] == ["one", "two\ufffd"]
    assert lines[-1] == "last"
    assert max(map(len, lines)) <= 65_536 + 16_384


async def test_a_program_has_its_place_at_the_processors() -> None:
    lines: list[str] = []
    script = "import os; print(os.getpriority(os.PRIO_PROCESS, 0)); print(open('/proc/self/autogroup').read())"
    child = await Child.start((sys.executable, "-c", script), os.environ, lines.append, Priority.RECORDS)
    await child.wait()
    assert lines[0] == "5"
    assert lines[1].endswith("nice 5") or "No such file" in lines[-1]  # what counts where sessions are grouped


@pytest.mark.skipif(os.getuid() != 0, reason="only root is sure to be let")
async def test_telephones_come_before_all_else_in_every_thread_whatever_the_place_of_who_starts_a_program() -> None:
    lines: list[str] = []
    script = (
        "import os, threading\n"
        "from cti.provision.priority import Priority\n"
        "def say(): print(os.sched_getscheduler(0) == os.SCHED_RR, os.sched_getparam(0).sched_priority, flush=True)\n"
        "thread = threading.Thread(target=say); thread.start(); thread.join()\n"
        "Priority.RECORDS.take(); say()"
    )
    child = await Child.start((sys.executable, "-c", script), os.environ, lines.append, Priority.TELEPHONES)
    await child.wait()
    assert lines == ["True 10", "False 0"]


async def test_a_priority_we_may_not_take_does_not_keep_a_program_from_running() -> None:
    lines: list[str] = []
    script = (
        "import os; from cti.provision.priority import Priority, RealTime\n"
        "if os.getuid() == 0: os.setuid(65534)\n"
        "Priority.TELEPHONES.take(); print(bool(RealTime()))"
    )
    child = await Child.start((sys.executable, "-c", script), os.environ, lines.append)
    assert (await child.wait(), lines) == (0, ["False"])


def test_nothing_is_left_when_the_supervisor_itself_is_killed(tmp_path: Path) -> None:
    """kill -9 of ``cti serve``: the kernel ends the children."""
    script = textwrap.dedent(f"""
        import asyncio, os, sys
        from pathlib import Path
        sys.path.insert(0, {str(Path(__file__).parent)!r})
        from test_serve_supervisor import STAYS, Lines, program
        from cti.provision.supervisor import Supervisor
        async def main():
            folder = Path({str(tmp_path)!r})
            deaf = "signal.signal(signal.SIGTERM, signal.SIG_IGN)\\n" + STAYS
            programs = [program(folder, "one", STAYS), program(folder, "two", deaf)]
            await Supervisor([programs], os.environ, Lines()).start()
            print("ready", flush=True)
            await asyncio.sleep(60)
        asyncio.run(main())
    """)
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as serve:
        assert serve.stdout is not None
        assert serve.stdout.readline() == "ready\n"
        pids = [pid_of(tmp_path, "one"), pid_of(tmp_path, "two")]
        assert all(alive(pid) for pid in pids)
        serve.kill()
        serve.wait(DEADLINE)
    asyncio.run(until(lambda: not any(alive(pid) for pid in pids), "both gone"))


@pytest.mark.parametrize("own_bus", [True, False])
def test_what_needs_only_the_bus_starts_together_and_the_engine_last(tmp_path: Path, *, own_bus: bool) -> None:
    """A board may be a gateway, which registers at a switch; the engine asks for the worker's configuration."""
    bus, asterisk, board = (program(tmp_path, name, "") for name in ("bus", "asterisk", "board"))
    stages = serve.stages_of(Settings(var=tmp_path), bus if own_bus else None, [asterisk], [board])
    names = [{one.name for one in stage} for stage in stages]
    assert names == [{"bus"}] * own_bus + [{"asterisk", "worker", "web"}, {"board"}, {"engine"}]
    alone = serve.stages_of(Settings(var=tmp_path), None, [], [])
    assert [{one.name for one in stage} for stage in alone] == [{"worker", "web"}, {"engine"}]
