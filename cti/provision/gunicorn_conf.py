"""gunicorn's settings: one process, threads for pages and open streams. Read by gunicorn, not imported by us."""

from __future__ import annotations

import os
import socket
import struct
from typing import Any

from cti.provision.child import die_with_parent
from cti.settings import load_settings

_settings = load_settings()

bind = f"[{_settings.bind}]:{_settings.web_port}" if ":" in _settings.bind else f"{_settings.bind}:{_settings.web_port}"
workers = 1
worker_class = "gthread"
threads = _settings.web_threads
timeout = 60
graceful_timeout = 4
keepalive = 15
accesslog = None
loglevel = "warning"
control_socket_disable = True
proc_name = "callyard-web"
forwarded_allow_ips = "127.0.0.1,::1"
limit_request_line = 8190

SILENCE = 10
"""Seconds that a browser may be silent within a request: whoever sends half of one must not keep its thread."""


def when_ready(server: Any) -> None:
    """Accepted connections inherit the deadline; gunicorn itself waits for ever."""
    for listener in server.LISTENERS:
        listener.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", SILENCE, 0))


def post_fork(server: Any, worker: Any) -> None:
    """A worker must not outlive its master: open streams would hold it for ever."""
    die_with_parent(os.getppid())
