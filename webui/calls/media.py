"""Recordings as files: where they lie, the waveform beside them, tickets to listen. Must not know the database."""

from __future__ import annotations

from pathlib import Path

from flask import current_app
from itsdangerous import BadData, URLSafeTimedSerializer

from cti.settings import Settings

TICKET_SECONDS = 4 * 3600


def folder() -> Path:
    settings: Settings = current_app.extensions["callyard_settings"]
    return settings.recordings_dir.resolve()


def work_folder() -> Path:
    """On a disk, where what is made for one answer may lie."""
    settings: Settings = current_app.extensions["callyard_settings"]
    return settings.var


def audio_file(relative: str) -> Path | None:
    """The recording's file, or None when it is not there. Never anything outside the recordings folder."""
    if not relative:
        return None
    root = folder()
    path = (root / relative).resolve()
    return path if path.is_relative_to(root) and path.is_file() else None


def peaks_file(audio: Path) -> Path | None:
    path = audio.with_suffix(".json")
    return path if path.is_file() else None


def ticket(recording_id: str, user_id: str) -> str:
    """Lets this user load the sound of this recording for some hours; giving one out is what is audited."""
    return _signer().dumps([recording_id, user_id])


def admits(text: str, recording_id: str, user_id: str) -> bool:
    try:
        return bool(_signer().loads(text, max_age=TICKET_SECONDS) == [recording_id, user_id])
    except BadData:
        return False


def _signer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(str(current_app.secret_key), salt="recording")
