"""Random secrets of this installation, made once in ``<var>/secrets`` (folder 0700, files 0600).

Settings may name other values (``CALLYARD_NATS_TOKEN``, ``CALLYARD_AMI_SECRET``); ``effective_secrets`` merges both.
Must not know what the secrets are used for.
"""

from __future__ import annotations

import dataclasses
import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from cti.domain.errors import CallyardError
from cti.settings import Settings


class SecretsUnreadable(CallyardError):
    """The secrets file exists but is damaged or not ours to read."""

    code = "secrets.unreadable"


@dataclass(frozen=True, slots=True)
class Secrets:
    """``nats_token`` guards the bus, ``ami_secret`` the switch's manager, ``web_secret_key`` signs sessions."""

    nats_token: str
    ami_secret: str
    web_secret_key: str

    def __repr__(self) -> str:
        return "Secrets(…)"


def secrets_dir(var: Path) -> Path:
    """``<var>/secrets``, made with mode 0700; a wider mode is narrowed."""
    folder = var / "secrets"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if folder.stat().st_mode & 0o077:
        folder.chmod(0o700)
    return folder


def load_secrets(var: Path) -> Secrets:
    """Read the secrets of this installation; make them at random the first time.

    Safe against several processes at once: the file appears whole or not at all, and the first one made stays.
    Raises ``SecretsUnreadable``.
    """
    path = secrets_dir(var) / "secrets.json"
    if not path.exists():
        _create_once(path, json.dumps({f.name: secrets.token_urlsafe(32) for f in dataclasses.fields(Secrets)}))
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        values = {f.name: str(document[f.name]) for f in dataclasses.fields(Secrets)}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SecretsUnreadable(
            f"{path}: {error!r}. Restore it from a backup, or delete it to make new ones."
        ) from error
    return Secrets(**values)


def effective_secrets(settings: Settings) -> Secrets:
    """The secrets in force: those of the settings where given, else those of ``<var>/secrets``."""
    made = load_secrets(settings.var)
    return Secrets(
        nats_token=settings.nats_token or made.nats_token,
        ami_secret=settings.ami_secret or made.ami_secret,
        web_secret_key=made.web_secret_key,
    )


def interconnect_secret(var: Path) -> str:
    """What the secrets between switches are derived from. Raises ``SecretsUnreadable``."""
    path = secrets_dir(var) / "interconnect"
    if not path.exists():
        _create_once(path, f"{secrets.token_urlsafe(32)}\n")
    try:
        text = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SecretsUnreadable(f"{path}: {error!r}. Delete it to make a new one.") from error
    if len(text) < 32:
        raise SecretsUnreadable(f"{path}: it is damaged. Delete it to make a new one.")
    return text


def _create_once(path: Path, text: str) -> None:
    """Write ``path`` unless another process was first. ``link`` fails where the name exists, which is the point."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(temporary, path)
        except FileExistsError:
            return
    finally:
        temporary.unlink()
