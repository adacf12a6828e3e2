"""gunicorn with our settings: requests that never end do not take the threads away from the others."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

THREADS = 2
SILENCE = 1  # seconds; instead of ours, to be done sooner
SETTINGS = f"""
from cti.provision import gunicorn_conf
from cti.provision.gunicorn_conf import *
gunicorn_conf.SILENCE = {SILENCE}
"""
APP = """
def app(environ, start):
    environ["wsgi.input"].read()
    start("200 OK", [("Content-Length", "2")])
    return [b"ok"]
"""


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    (tmp_path / "tiny.py").write_text(APP)
    (tmp_path / "quick.py").write_text(SETTINGS)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        free = int(probe.getsockname()[1])
    settings = {"CALLYARD_VAR": str(tmp_path), "CALLYARD_WEB_PORT": str(free), "CALLYARD_WEB_THREADS": str(THREADS)}
    command = [sys.executable, "-m", "gunicorn", "-c", "python:quick", "tiny:app"]
    environment = os.environ | settings | {"PYTHONPATH": f"{tmp_path}{os.pathsep}{os.getcwd()}"}
    process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
    try:
        assert ask(free, 20) == b"HTTP/1.1 200"
        yield free
    finally:
        process.terminate()
        process.wait(10)


def ask(port: int, deadline: float) -> bytes:
    """The begin of the answer to a good request, asked until it comes."""
    end = time.monotonic() + deadline
    while True:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=deadline) as client:
                client.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                return client.recv(12)
        except ConnectionRefusedError:
            assert time.monotonic() < end, "gunicorn does not listen"
            time.sleep(0.1)


@pytest.mark.parametrize("begun", [b"GET / HTTP/1.1\r\nHost: x\r\n", b"POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\n"])
def test_unfinished_requests_do_not_hold_all_threads(port: int, begun: bytes) -> None:
    held = [socket.create_connection(("127.0.0.1", port)) for _ in range(THREADS)]
    try:
        for client in held:
            client.sendall(begun)
        assert ask(port, SILENCE + 20) == b"HTTP/1.1 200"
    finally:
        for client in held:
            client.close()
