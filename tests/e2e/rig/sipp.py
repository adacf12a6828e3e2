"""Runs sipp and reads its message log. Knows scenarios as text, not what they mean to the product."""

from __future__ import annotations

import re
import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from cti.provision.priority import Priority
from tests.ports import free_port, free_range

MEDIA_PORTS = 400
SIPP = shutil.which("sipp") or ""
_HEAD = re.compile(r"^-{20,} (\d{4}-\d\d-\d\d)[\tT ](\d\d:\d\d:\d\d\.\d+)(?:\s+(\d+\.\d+))?", re.M)


@dataclass(frozen=True, slots=True)
class Message:
    """One SIP message as sipp saw it. ``at`` is epoch seconds by the machine's clock."""

    at: float
    sent: bool
    text: str

    @property
    def start(self) -> str:
        return self.text.split("\n", 1)[0].strip()

    def header(self, name: str) -> str:
        found = re.search(rf"^{re.escape(name)}\s*:\s*(.*?)\s*$", self.text, re.M | re.I)
        return found[1] if found else ""


class Sipp:
    """One sipp process with its own port and folder.

    ``args`` are sipp's own. ``trace`` keeps every message with its time. Use as a context manager, or call ``stop``.
    """

    def __init__(
        self,
        folder: Path,
        name: str,
        scenario: str,
        target: str,
        args: Sequence[str] = (),
        *,
        rows: Sequence[Sequence[str]] | None = None,
        port: int | None = None,
        trace: bool = True,
    ) -> None:
        if not SIPP:
            raise RuntimeError("sipp is not installed: apt install sip-tester")
        self.name = name
        self.port = port or free_port()
        self.folder = folder / f"{name}-{self.port}"
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "scenario.xml").write_text(scenario, "utf-8")
        command = [SIPP, target, "-sf", "scenario.xml", "-i", "127.0.0.1", "-p", str(self.port), "-mi", "127.0.0.1"]
        command += ["-nostdin", "-timer_resol", "1"]
        if trace:
            command += ["-trace_msg", "-message_file", "messages.log"]
        command += ["-trace_err", "-error_file", "errors.log"]
        if rows is not None:
            lines = ["SEQUENTIAL", *(";".join(row) for row in rows)]
            (self.folder / "rows.csv").write_text("\n".join(lines) + "\n", "utf-8")
            command += ["-inf", "rows.csv"]
        self._output = (self.folder / "screen.log").open("wb")
        self._command = [*command, *args]
        self.process = self._launch()
        self._await_start()

    def _launch(self) -> subprocess.Popen[bytes]:
        ports = ["-mp", str(free_range(MEDIA_PORTS)[0]), "-cp", str(free_port())]
        return subprocess.Popen(
            [*self._command, *ports],
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=self._output,
            stderr=self._output,
            start_new_session=True,
            preexec_fn=Priority.TELEPHONES.take,  # a measuring instrument must not be late itself
        )

    def _await_start(self, deadline: float = 5.0) -> None:
        """A wrong scenario ends sipp at once: say so here, not as a phone that never rings."""
        end, bound = time.monotonic() + deadline, f":{self.port:04X} "
        while bound not in Path("/proc/net/udp").read_text():
            if not self.running and "Unable to bind" in self.errors() and "RTP" in self.errors():
                (self.folder / "errors.log").unlink()  # another program took the media port meanwhile
                self.process = self._launch()
            elif not self.running:
                break
            if time.monotonic() > end:
                raise AssertionError(f"{self.name}: sipp did not open its port")
            time.sleep(0.01)
        if not self.running and self.process.returncode not in (0, 1):
            raise AssertionError(f"{self.name}: sipp ended with {self.process.returncode}: {self.errors()}")

    def __enter__(self) -> Sipp:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def running(self) -> bool:
        return self.process.poll() is None

    def wait(self, deadline: float) -> int:
        """sipp's exit code (0: every call went as the scenario says). Raises ``subprocess.TimeoutExpired``."""
        return self.process.wait(deadline)

    def stop(self) -> None:
        if self.running:
            self.process.kill()
        self.process.wait(5)
        self._output.close()

    def messages(self) -> list[Message]:
        """All messages so far, oldest first."""
        return list(_parse(self.folder / "messages.log"))

    def wait_for(self, pattern: str, deadline: float, *, sent: bool | None = None) -> Message:
        """The first message whose start line matches. Raises ``AssertionError`` with what was seen instead."""
        expression, end = re.compile(pattern), time.monotonic() + deadline
        while True:
            seen = self.messages()
            for message in seen:
                if expression.search(message.start) and sent in (None, message.sent):
                    return message
            if time.monotonic() > end:
                starts = [m.start for m in seen]
                raise AssertionError(f"{self.name}: no {pattern!r} within {deadline} s; saw {starts}; {self.errors()}")
            time.sleep(0.02)

    def errors(self) -> str:
        log = self.folder / "errors.log"
        return log.read_text("utf-8", "replace")[-2000:] if log.exists() else ""


def _parse(log: Path) -> Iterator[Message]:
    if not log.exists():
        return
    text = log.read_text("utf-8", "replace")
    heads = list(_HEAD.finditer(text))
    ends = [*(head.start() for head in heads[1:]), len(text)]
    for head, end in zip(heads, ends, strict=False):
        body = text[head.end() : end]
        about, _, message = body.strip().partition("\n")
        if not message.strip():
            continue
        at = float(head[3]) if head[3] else _epoch(f"{head[1]} {head[2]}")
        yield Message(at, "sent" in about, message.strip().replace("\r", ""))


def _epoch(text: str) -> float:
    whole, _, fraction = text.partition(".")
    return time.mktime(time.strptime(whole, "%Y-%m-%d %H:%M:%S")) + float(f"0.{fraction}")
