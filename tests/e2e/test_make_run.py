"""``make run`` and ``cti serve`` as a person meets them: ready, ended whole, and clear about what is wrong."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cti.settings import load_settings
from tests.e2e.rig.prepared import begin_with

REPOSITORY = Path(__file__).parents[2]
FIRST_START, LATER_START, END = 180.0, 40.0, 25.0  # how long it really takes is no matter for a busy machine
PORTS = ("WEB", "NATS", "AMI", "SIP", "SIP_WS", "ENGINE_METRICS", "WORKER_METRICS")

pytestmark = pytest.mark.timeout(300)


class Run:
    """A started command, its output, and every process that was started with its ``var``."""

    def __init__(self, argv: list[str], folder: Path, environment: dict[str, str]) -> None:
        self.var = environment["CALLYARD_VAR"]
        self.web = f"http://127.0.0.1:{environment['CALLYARD_WEB_PORT']}"
        self.lines: list[str] = []
        self.process = subprocess.Popen(
            argv,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        self.lines.extend(line.rstrip("\n") for line in iter(self.process.stdout.readline, ""))

    @property
    def output(self) -> str:
        return "\n".join(self.lines)

    def until(self, condition: Callable[[], object], what: str, deadline: float) -> None:
        end = time.monotonic() + deadline
        while not condition():
            assert time.monotonic() < end, f"not in {deadline:g} s: {what}\n{self.output[-4000:]}"
            time.sleep(0.05)

    def until_ready(self, deadline: float) -> float:
        """Seconds that it took by its own word."""
        self.until(
            lambda: "Ctrl-C stops everything" in self.output or self.process.poll() is not None, "ready", deadline
        )
        found = re.search(r"Callyard is ready after ([\d.]+) s", self.output)
        assert found, self.output[-4000:]
        return float(found[1])

    def ended(self, deadline: float = END) -> int:
        status = self.process.wait(deadline)
        self._reader.join(5)
        return status

    def close(self) -> None:
        self._reader.join(5)
        if self.process.stdout is not None:
            self.process.stdout.close()

    def processes(self) -> list[str]:
        """Command lines of all living processes with our ``CALLYARD_VAR``."""
        mark = f"CALLYARD_VAR={self.var}".encode()
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                state = (folder / "stat").read_text(errors="replace").rsplit(")", 1)[1].split()[0]
                if state not in "ZX" and mark in (folder / "environ").read_bytes().split(b"\0"):
                    found.append((folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace"))
            except (OSError, IndexError):
                continue
        return found

    def pid_of(self, word: str) -> int:
        mark = f"CALLYARD_VAR={self.var}".encode()
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                environment = (folder / "environ").read_bytes().split(b"\0")
                if mark in environment and word.encode() in (folder / "cmdline").read_bytes().split(b"\0"):
                    return int(folder.name)
            except OSError:
                continue
        raise AssertionError(f"no process {word}")


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Own ``var``, free ports, and the shared copy of third-party programs."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("CALLYARD_")}
    holders = [socket.socket() for _ in PORTS]
    for holder in holders:
        holder.bind(("127.0.0.1", 0))
    ports = {f"CALLYARD_{name}_PORT": str(h.getsockname()[1]) for name, h in zip(PORTS, holders, strict=True)}
    for holder in holders:
        holder.close()
    dist = os.environ.get("CALLYARD_DIST") or str(load_settings(REPOSITORY / "var").dist_dir)
    rtp = {"CALLYARD_RTP_START": "42000", "CALLYARD_RTP_END": "42999"}
    return kept | ports | rtp | {"CALLYARD_VAR": str(tmp_path / "var"), "CALLYARD_DIST": dist}


@pytest.fixture
def serve(environment: dict[str, str]) -> Iterator[Callable[..., Run]]:
    """Starts ``cti serve`` (or another command) with changes to the environment; kills what a test left."""
    runs: list[Run] = []

    def start(argv: list[str] | None = None, folder: Path = REPOSITORY, **changes: str) -> Run:
        command = argv or [sys.executable, "-m", "cti.cli", "serve"]
        runs.append(Run(command, folder, environment | {f"CALLYARD_{k}": v for k, v in changes.items()}))
        return runs[-1]

    yield start
    for run in runs:
        if run.process.poll() is None:
            os.killpg(run.process.pid, signal.SIGKILL)
            run.process.wait(END)
        run.close()


def page(run: Run) -> str:
    """What a browser gets at the printed address, after redirects."""
    from urllib.request import urlopen

    with urlopen(run.web, timeout=10) as answer:
        return str(answer.read().decode())


def test_make_run_in_a_fresh_clone(serve: Callable[..., Run], tmp_path: Path) -> None:
    """Virtual environment, packages, secrets, database, prompts, all processes; Ctrl-C; a quick second start."""
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "-q", str(REPOSITORY), str(clone)], check=True, timeout=60)
    began = time.monotonic()
    run = serve(["make", "run"], clone)
    run.until_ready(FIRST_START)
    assert time.monotonic() - began < FIRST_START
    assert re.search(r"First administrator:\s+admin\s+one-time password:\s+\S{16,}", run.output)
    assert run.web in run.output
    assert "<form" in page(run)
    words = " ".join(run.processes())
    for program in ("nats-server", "sbin/asterisk", "cti.cli engine", "cti.cli worker", "gunicorn"):
        assert program in words
    assert not (Path(run.var) / "callyard.db").stat().st_mode & 0o007
    assert any((Path(run.var) / "cache/templates").iterdir()), "the second start need not compile the pages"
    os.killpg(run.process.pid, signal.SIGINT)
    run.ended()
    run.until(lambda: not run.processes(), "no process left after Ctrl-C", END)

    again = serve([str(clone / ".venv/bin/cti"), "serve"], clone)
    again.until_ready(LATER_START)
    assert "one-time password" not in again.output
    again.process.terminate()
    assert again.ended() == 0
    again.until(lambda: not again.processes(), "no process left after SIGTERM", END)


@pytest.fixture
def running(serve: Callable[..., Run], prepared: Path, environment: dict[str, str]) -> Run:
    begin_with(prepared, Path(environment["CALLYARD_VAR"]))
    run = serve()
    run.until_ready(60)
    return run


def test_what_dies_comes_back_and_nothing_outlives_serve(running: Run, serve: Callable[..., Run]) -> None:
    engine = running.pid_of("engine")
    os.kill(engine, signal.SIGKILL)
    running.until(lambda: "engine was ended by SIGKILL; starting it again" in running.output, "told", 10)
    running.until(lambda: "engine" in " ".join(running.processes()) and running.pid_of("engine") != engine, "back", 20)

    second = serve()
    assert second.ended() == 1
    assert second.output.count("\n") == 0
    assert "already runs from" in second.output

    running.process.kill()
    running.process.wait(END)
    running.until(lambda: not running.processes(), "no process left after kill -9", END)


def test_a_port_in_use_is_one_clear_line(serve: Callable[..., Run]) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen(1)
        number = str(holder.getsockname()[1])
        run = serve(WEB_PORT=number)
        assert run.ended() == 1
    assert run.lines == [
        f"callyard: port {number} (web) is in use: stop the program that holds it, or set CALLYARD_WEB_PORT"
    ]


def test_a_broken_database_is_one_clear_line(serve: Callable[..., Run]) -> None:
    run = serve(DATABASE_URL="postgresql://callyard:top-secret@127.0.0.1:1/none")
    assert run.ended() == 1
    assert len(run.lines) == 1
    assert "CALLYARD_DATABASE_URL" in run.output
    assert "top-secret" not in run.output


def test_a_wrong_setting_is_one_clear_line(serve: Callable[..., Run]) -> None:
    run = serve(WEB_PORT="eighty")
    assert run.ended() == 2
    assert len(run.lines) == 1
    assert "CALLYARD_WEB_PORT" in run.output


def test_without_apt_the_simulator_takes_over_with_a_notice(serve: Callable[..., Run], tmp_path: Path) -> None:
    """A machine that has neither an asterisk nor apt."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("uname", "sh"):
        (programs / name).symlink_to(shutil.which(name) or f"/bin/{name}")
    run = serve(["env", f"PATH={programs}", sys.executable, "-m", "cti.cli", "serve"], DIST=str(tmp_path / "dist"))
    run.until_ready(60)
    assert "NOTICE: this machine has no apt" in run.output
    assert "the simulator stands in for the switch" in run.output
    assert "asterisk" not in " ".join(run.processes())
    assert "<form" in page(run)
    run.process.terminate()
    assert run.ended() == 0
