"""Compiled templates are kept in ``<var>/cache/templates``: a later start reads them instead of compiling for seconds.

Nothing depends on the folder: it may be removed, and what cannot be written is compiled again next time.
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from pickle import UnpicklingError

from flask import Flask
from jinja2 import FileSystemBytecodeCache
from jinja2.bccache import Bucket


class KeptTemplates(FileSystemBytecodeCache):
    def load_bytecode(self, bucket: Bucket) -> None:
        try:
            super().load_bytecode(bucket)
        except (OSError, EOFError, ValueError, TypeError, UnpicklingError):  # damaged: it is made anew
            bucket.reset()

    def dump_bytecode(self, bucket: Bucket) -> None:
        with contextlib.suppress(OSError):  # a full disk keeps no site from starting
            super().dump_bytecode(bucket)


def keep(app: Flask, var: Path) -> None:
    folder = var / "cache" / "templates"
    with contextlib.suppress(OSError):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    app.jinja_env.bytecode_cache = KeptTemplates(str(folder))
