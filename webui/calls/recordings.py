"""Listening: a ticket is given and audited, then the sound comes in ranges. Downloads by their own right."""

from __future__ import annotations

import os

import structlog
from flask import Blueprint, abort, jsonify, request, send_file, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from cti.store.models import Recording, RecordingState
from webui.calls import formats, media, queries
from webui.calls.access import may_listen
from webui.common import audit, db
from webui.common.errors import answer
from webui.common.ids import valid_id
from webui.common.permissions import Permission, requires

log = structlog.get_logger(__name__)
KEPT = "wav"
"""The name of the format in which recordings are kept."""


def add_to(blueprint: Blueprint) -> None:
    blueprint.add_url_rule("/recordings/<recording_id>/listen", view_func=listen, methods=["POST"])
    blueprint.add_url_rule("/recordings/<recording_id>/audio", view_func=audio)
    blueprint.add_url_rule("/recordings/<recording_id>/peaks", view_func=peaks)
    blueprint.add_url_rule("/recordings/<recording_id>/download", view_func=download)


def describe(recording: Recording) -> str:
    """What can be done with it now: ``ready``, ``pending`` (still being written) or ``missing``."""
    if recording.state is not RecordingState.READY:
        return recording.state.value
    return "ready" if media.audio_file(recording.file) else "missing"


@requires(Permission.RECORDINGS_LISTEN_OWN)
def listen(recording_id: str) -> ResponseReturnValue:
    """Start listening: audited, answers the address of the sound."""
    recording = load(recording_id)
    if describe(recording) != "ready":
        message = (
            _("The recording is still being written.")
            if describe(recording) == "pending"
            else _("The file is missing.")
        )
        return jsonify(ok=False, error=f"recording.{describe(recording)}", message=message), 409
    audit.record("recording.listen", f"recording/{recording.id}", None, {"call": recording.call_id})
    db.session().commit()
    ticket = media.ticket(recording.id, current_user.id)
    return jsonify(ok=True, url=url_for("calls.audio", recording_id=recording.id, ticket=ticket))


@requires(Permission.RECORDINGS_LISTEN_OWN)
def audio(recording_id: str) -> ResponseReturnValue:
    """The sound, whole or in the ranges that players ask for. Only with a ticket of this user."""
    recording = load(recording_id)
    if not media.admits(request.args.get("ticket", ""), recording.id, current_user.id):
        abort(403)
    return send(recording)


@requires(Permission.RECORDINGS_LISTEN_OWN)
def peaks(recording_id: str) -> ResponseReturnValue:
    """The waveform of both channels, as the worker made it."""
    path = media.audio_file(load(recording_id).file)
    waveform = media.peaks_file(path) if path else None
    if waveform is None:
        abort(404)
    db.release()
    return send_file(waveform, mimetype="application/json", conditional=True)


@requires(Permission.RECORDINGS_DOWNLOAD)
def download(recording_id: str) -> ResponseReturnValue:
    """The recording as a file: as it is kept, or ``?as=`` another of ``formats.FORMATS``."""
    recording, name = load(recording_id), request.args.get("as", KEPT)
    if name != KEPT and name not in formats.FORMATS:
        abort(400)
    if describe(recording) != "ready":
        abort(404)
    told = {"call": recording.call_id} | ({"format": name} if name != KEPT else {})
    audit.record("recording.download", f"recording/{recording.id}", None, told)
    db.session().commit()
    return send(recording, as_attachment=True) if name == KEPT else send_as(recording, formats.FORMATS[name])


def format_names() -> dict[str, str]:
    """What a recording can be downloaded as, in the page's language."""
    return {
        KEPT: "WAV",
        "mp3": "MP3",
        "alaw": _("WAV, A-law"),
        "ulaw": _("WAV, mu-law"),
        "gsm": _("WAV, GSM 6.10, one channel"),
        "vox": _("VOX ADPCM, one channel"),
    }


def load(recording_id: str) -> Recording:
    recording = queries.recording(db.session(), recording_id) if valid_id(recording_id) else None
    if recording is None:
        abort(404)
    if not may_listen(recording):
        abort(403)
    return recording


def send(recording: Recording, *, as_attachment: bool = False) -> ResponseReturnValue:
    path = media.audio_file(recording.file)
    if path is None:
        abort(404)
    db.release()
    response = send_file(path, mimetype="audio/wav", conditional=True, as_attachment=as_attachment)
    response.headers["Cache-Control"] = "private, no-store"
    return response


def send_as(recording: Recording, wanted: formats.Format) -> ResponseReturnValue:
    path = media.audio_file(recording.file)
    if path is None:
        abort(404)
    name = recording.id
    db.release()
    try:
        file = formats.make(path, wanted, media.work_folder())
    except formats.NotMade as error:
        log.warning("recording.not_made", recording=name, coding=wanted.coding, why=error.why, detail=str(error)[:300])
        status = 503 if error.why is formats.Why.BUSY else 422
        return answer(status, f"recording.{error.why}", _("The file was not made"), _advice(error.why))
    response = send_file(
        file, wanted.mimetype, as_attachment=True, download_name=path.stem + wanted.ending, conditional=False
    )
    response.content_length = os.fstat(file.fileno()).st_size
    response.headers["Cache-Control"] = "private, no-store"
    return response


def _advice(why: formats.Why) -> str:
    return {
        formats.Why.BUSY: _("Other recordings are being converted. Try again in a moment, or download the WAV."),
        formats.Why.LONG: _("Recordings of more than two hours are not converted. Download the WAV."),
        formats.Why.SLOW: _("Converting took too long: the machine is busy. Download the WAV, or try again later."),
        formats.Why.FAILED: _("The recording cannot be converted; the log says why. Download the WAV."),
    }[why]
