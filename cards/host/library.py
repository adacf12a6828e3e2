"""Opening a vendor's library: what is missing is said by name — the file, the kind of machine, or the function.

Declarations are ours, as text for cffi in ABI mode. It must not know what the functions do.
"""

from __future__ import annotations

import os
import platform
import re
import struct
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cffi import FFI

from cards.host.board import BoardError

_FUNCTION = re.compile(r"^\s*(?:const\s+)?[a-z][a-z ]*[\s*]+(\w+)\(", re.MULTILINE)
BITS = struct.calcsize("P") * 8


class Library:
    """Functions by name; ``ffi`` makes what they want to be given. Several files are looked through in turn."""

    def __init__(self, what: str, paths: Sequence[Path], declarations: str) -> None:
        """Raises ``BoardError``."""
        self.ffi = FFI()
        self.ffi.cdef(_for_this_system(declarations))
        opened = [_open(self.ffi, what, path) for path in paths]
        self._functions: dict[str, Any] = {}
        for name in _FUNCTION.findall(declarations):
            found = next((function for one in opened if (function := _function(one, name)) is not None), None)
            if found is None:
                files = ", ".join(str(path) for path in paths) or "no file"
                raise BoardError(f"{what}: {files} lacks the function {name}: is it the library of another board?")
            self._functions[name] = found

    def __getattr__(self, name: str) -> Any:
        try:
            return self._functions[name]
        except KeyError:
            raise AttributeError(name) from None

    def path(self, file: Path) -> bytes:
        """A file's name as the library takes it."""
        return str(file).encode("mbcs") if sys.platform == "win32" else os.fsencode(file)


def has(paths: Sequence[Path], function: str) -> bool:
    """Whether one of these files has it. Raises ``BoardError`` where one cannot be loaded."""
    ffi = FFI()
    ffi.cdef(f"void {function}(void);")
    return any(_function(_open(ffi, "the board's library", path), function) is not None for path in paths)


def text(data: bytes) -> str:
    """What a library wrote; anything may stand there."""
    return "".join(c for c in data.decode("gb18030", "replace") if c.isprintable())


def _for_this_system(declarations: str) -> str:
    """With the calling convention of 32-bit Windows, where we are there."""
    if not (platform.system() == "Windows" and BITS == 32):
        return declarations
    return _FUNCTION.sub(
        lambda match: match.group(0).replace(match.group(1), f"__stdcall {match.group(1)}"), declarations
    )


def _open(ffi: FFI, what: str, path: Path) -> Any:
    try:
        with path.open("rb") as file:
            bits = _bits(file.read(4096))
    except OSError as error:
        raise BoardError(
            f"{what}: {path}: {error.strerror}: install the board's own software, or name its library in "
            "CALLYARD_BOARD_LIBRARY"
        ) from error
    if bits == 0:
        raise BoardError(f"{what}: {path} is no library of this system")
    if bits != BITS:
        raise BoardError(f"{what}: {path} has {bits} bits, this Python has {BITS}: run a {bits}-bit Python")
    try:
        return ffi.dlopen(str(path))
    except OSError as error:
        raise BoardError(f"{what}: {path} cannot be loaded: {error}") from error


def _bits(head: bytes) -> int:
    """32 or 64; 0: not a library of this system."""
    if head[:4] == b"\x7fELF" and sys.platform != "win32":
        return {1: 32, 2: 64}.get(head[4] if len(head) > 4 else 0, 0)
    if head[:2] == b"MZ" and sys.platform == "win32" and len(head) >= 64:
        at = struct.unpack_from("<I", head, 60)[0]
        machine = struct.unpack_from("<H", head, at + 4)[0] if len(head) >= at + 6 else 0
        return {0x014C: 32, 0x8664: 64}.get(machine, 0)
    return 0


def _function(library: Any, name: str) -> Any:
    try:
        return getattr(library, name)
    except AttributeError:
        return None
