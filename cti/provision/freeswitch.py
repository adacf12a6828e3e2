"""Find a FreeSWITCH to run and prepare the folder it lives in, ``<var>/freeswitch``. It is in no package registry of
Debian, so it is never fetched: it is there, or it is not.

Must not know how FreeSWITCH is configured (``dialplan``) or watched (``cti.serve``).
"""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from cti.provision.apt import ProvisionFailed
from cti.switch_settings import SwitchSettings

USUAL_PLACE = Path("/usr/local/freeswitch")
FOLDERS = ("db", "log", "run", "certs", "moh", "scripts", "tmp", "storage", "cache")
NOT_FOUND = (
    "no FreeSWITCH found: set CALLYARD_FREESWITCH_BIN (or FREESWITCH_BIN) to the program, or put it on PATH; "
    "or CALLYARD_ESL_HOST to use one as it runs; or choose another CALLYARD_SWITCH"
)
RATE = 8000


@dataclass(frozen=True, slots=True)
class FreeSwitchInstallation:
    program: Path
    module_dir: Path

    def version(self, deadline: float = 10.0) -> str:
        """``FreeSWITCH version: 1.10.12…``, or raises ``ProvisionFailed``: also the proof that it can run here."""
        try:
            done = subprocess.run(
                [str(self.program), "-version"], capture_output=True, text=True, timeout=deadline, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise ProvisionFailed(f"{self.program}: {error}") from error
        if done.returncode or "FreeSWITCH" not in done.stdout:
            raise ProvisionFailed(f"{self.program} does not run: {done.stderr.strip()[:200]}")
        return done.stdout.strip()


def find_freeswitch(switch: SwitchSettings) -> FreeSwitchInstallation | None:
    """The FreeSWITCH that would be run now; None if there is none. A named one that is not there raises."""
    named = switch.program or os.environ.get("FREESWITCH_BIN", "")
    if named:
        program = shutil.which(named)
        if program is None:
            raise ProvisionFailed(f"CALLYARD_FREESWITCH_BIN={named}: no such program")
        return _installation(Path(program))
    usual = USUAL_PLACE / "bin" / "freeswitch"
    on_path = shutil.which("freeswitch")
    found = Path(on_path) if on_path else usual if os.access(usual, os.X_OK) else None
    return _installation(found) if found else None


def require_freeswitch(switch: SwitchSettings) -> FreeSwitchInstallation:
    found = find_freeswitch(switch)
    if found is None:
        raise ProvisionFailed(NOT_FOUND)
    return found


def asterisk_music(switch: SwitchSettings) -> Path | None:
    """The recorded music of an Asterisk that is on this machine, if there is one."""
    places = (switch.dist_dir / "asterisk/usr/share/asterisk/moh", Path("/usr/share/asterisk/moh"))
    return next((place for place in places if any(place.glob("*.wav"))), None)


def prepare_freeswitch_home(switch: SwitchSettings, asterisk_music: Path | None = None) -> None:
    """Make folders and music. May be repeated. ``asterisk_music``: a folder of recorded music, if there is one."""
    home = switch.home
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name in FOLDERS:
        (home / name).mkdir(mode=0o700, exist_ok=True)
    for folder in (switch.spool_dir, switch.prompts_dir):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not any((home / "moh").iterdir()):
        pieces = sorted(asterisk_music.glob("*.wav")) if asterisk_music and asterisk_music.is_dir() else []
        for piece in pieces:
            shutil.copyfile(piece, home / "moh" / piece.name)
        if not pieces:
            _compose(home / "moh" / "chords.wav")


def freeswitch_command(switch: SwitchSettings, installation: FreeSwitchInstallation) -> list[str]:
    """The command that runs our own FreeSWITCH in the foreground, without a console."""
    home = switch.home
    places = {
        "-conf": home / "etc",
        "-log": home / "log",
        "-db": home / "db",
        "-run": home / "run",
        "-certs": home / "certs",
        "-scripts": home / "scripts",
        "-temp": home / "tmp",
        "-storage": home / "storage",
        "-cache": home / "cache",
        "-recordings": switch.spool_dir,
        "-sounds": switch.prompts_dir,
        "-mod": installation.module_dir,
    }
    pairs = (part for option, folder in places.items() for part in (option, str(folder)))
    return [str(installation.program), "-nf", "-nc", "-np", "-nonat", *pairs]


def _installation(program: Path) -> FreeSwitchInstallation:
    prefix = program.resolve().parent.parent
    for folder in (prefix / "mod", prefix / "lib/freeswitch/mod", *sorted(prefix.glob("lib/*/freeswitch/mod"))):
        if folder.is_dir():
            return FreeSwitchInstallation(program, folder)
    raise ProvisionFailed(f"{program}: cannot find its modules near it; set CALLYARD_FREESWITCH_BIN to another program")


def _compose(path: Path, seconds_a_chord: float = 3.0) -> None:
    """Music of our own for where no recording is to be had: four soft chords, 12 s, played round and round."""
    chords = ((262, 330, 392), (220, 262, 330), (175, 220, 262), (196, 247, 294))
    time = np.arange(int(RATE * seconds_a_chord)) / RATE
    swell = np.sin(np.pi * time / seconds_a_chord) ** 0.5
    parts = [swell * sum(np.sin(2 * np.pi * hertz * time) for hertz in chord) / 3 for chord in chords]
    temporary = path.with_suffix(".part")
    soundfile.write(temporary, 0.25 * np.concatenate(parts), RATE, subtype="PCM_16", format="WAV")
    temporary.replace(path)
