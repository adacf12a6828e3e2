"""Open event streams must not hold up the server's end: close them at the first signal, then do what gunicorn does."""

from __future__ import annotations

import signal
import threading
from types import FrameType

from flask import Flask

SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT)


def end_streams_at_exit(app: Flask) -> None:
    """Chain in front of the worker's own handlers. Only in the main thread, where signals can be set."""
    if threading.current_thread() is not threading.main_thread():
        return
    for number in SIGNALS:
        _chain(app, number)


def _chain(app: Flask, number: signal.Signals) -> None:
    earlier = signal.getsignal(number)

    def ended(received: int, frame: FrameType | None) -> None:
        app.extensions["callyard_hub"].close()
        if callable(earlier):
            earlier(received, frame)
        else:
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)

    signal.signal(number, ended)
