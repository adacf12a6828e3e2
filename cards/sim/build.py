"""Builds the simulated board's shared libraries with the C compiler of the machine, once for each state of the sources.

It must not know the boards' drivers. The product calls ``library`` at first use; what is missing is told in one line.
``program`` does the same for a helper of one source.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from enum import StrEnum
from pathlib import Path

from cti.domain.errors import CallyardError
from cti.provision.priority import share_as_everybody

SOURCES = Path(__file__).with_name("src")
PACKAGES = {"spandsp.h": "libspandsp-dev", "speex/speex_echo.h": "libspeexdsp-dev"}
FLAGS = (
    "-O2",
    "-fPIC",
    "-fvisibility=hidden",
    "-std=gnu11",
    "-Wall",
    "-Wextra",
    "-Werror=implicit-function-declaration",
)
PROGRAM_FLAGS = ("-O2", "-std=gnu11", "-Wall", "-Wextra")
BOARD = "the simulated board"
LIBRARIES = ("-lspandsp", "-lspeexdsp", "-lpthread", "-lm")
BUILD_SECONDS = 180


class Face(StrEnum):
    DONJIN = "donjin"
    SYNWAY = "synway"


class BuildFailed(CallyardError):
    """The simulated board, or a helper, could not be built; the message says what to do."""

    code = "board.build"


def library(face: Face, folder: Path, extra: tuple[str, ...] = ()) -> Path:
    """The path of the shared library with this face, built into the folder if it is not there yet."""
    mark = _fingerprint(extra)
    names = {each: f"{each}-{mark}.so" for each in Face}
    target = folder / names[face]
    if target.exists():
        return target
    compiler = _needs(BOARD, PACKAGES)
    _once(folder, target, lambda: _build(compiler, folder, names, extra))
    return target


def program(what: str, source: Path, packages: Mapping[str, str], libraries: Sequence[str], folder: Path) -> Path:
    """A program of one source, made into the folder if it is not there yet; ``packages`` by the header they bring."""
    mark = hashlib.sha256(repr((PROGRAM_FLAGS, libraries)).encode() + source.read_bytes()).hexdigest()[:16]
    target = folder / f"{source.stem}-{mark}"
    if target.exists():
        return target
    compiler = _needs(what, packages)

    def build() -> None:
        made = folder / f".{target.name}.{os.getpid()}"
        _run(what, [compiler, *PROGRAM_FLAGS, "-o", str(made), str(source), *libraries])
        made.replace(target)

    _once(folder, target, build)
    return target


def _once(folder: Path, target: Path, build: Callable[[], None]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not target.exists():
            with ThreadPoolExecutor(1, initializer=share_as_everybody) as aside:
                aside.submit(build).result()


def _needs(what: str, packages: Mapping[str, str]) -> str:
    """The compiler; raises where it or a header is missing."""
    compiler = os.environ.get("CC") or next((name for name in ("gcc", "cc", "clang") if shutil.which(name)), "")
    missing = [] if compiler else ["gcc", "libc6-dev"]
    missing += [package for header, package in packages.items() if not compiler or not _header(compiler, header)]
    if missing:
        raise BuildFailed(f"{what} needs a C compiler and headers: apt-get install {' '.join(missing)}")
    return compiler


def _header(compiler: str, name: str) -> bool:
    command = [compiler, "-E", "-x", "c", "-"]
    try:
        text = f"#include <{name}>\n".encode()
        return (
            subprocess.run(command, input=text, capture_output=True, timeout=BUILD_SECONDS, check=False).returncode == 0
        )
    except (OSError, subprocess.TimeoutExpired):
        return False


def _fingerprint(extra: tuple[str, ...]) -> str:
    digest = hashlib.sha256(repr((FLAGS, extra)).encode())
    for file in sorted(SOURCES.glob("*.[ch]")):
        digest.update(file.name.encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()[:16]


def _build(compiler: str, folder: Path, names: dict[Face, str], extra: tuple[str, ...]) -> None:
    """Compile each source once and link both faces."""
    sources = sorted(SOURCES.glob("*.c"))
    with tempfile.TemporaryDirectory(dir=folder) as work:
        objects = {file: Path(work) / f"{file.stem}.o" for file in sources}
        with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
            list(
                pool.map(
                    lambda file: _run(BOARD, [compiler, *FLAGS, *extra, "-c", "-o", str(objects[file]), str(file)]),
                    sources,
                )
            )
        for face, name in names.items():
            others = {other.value for other in Face if other is not face}
            mine = [str(made) for file, made in objects.items() if file.stem.split("_")[0] not in others]
            made = Path(work) / name
            _run(BOARD, [compiler, *extra, "-shared", "-o", str(made), *mine, *LIBRARIES])
            made.replace(folder / name)


def _run(what: str, command: list[str]) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=BUILD_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise BuildFailed(f"{what} could not be compiled: {error}") from error
    if done.returncode:
        first = next((line for line in done.stderr.splitlines() if "error" in line), done.stderr[-300:])
        raise BuildFailed(f"{what} could not be compiled: {first}")
