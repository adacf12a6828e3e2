"""Listening: a ticket is given and audited, then the sound comes in ranges. Downloads by their own right."""

from __future__ import annotations

from flask import Blueprint, abort, jsonify, request, send_file, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from cti.store.models import Recording, RecordingState
from webui.calls import media, queries
from webui.calls.access import may_listen
from webui.common import audit, db
from webui.common.ids import valid_id
from webui.common.permissions import Permission, requires


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
    recording = load(recording_id)
    if describe(recording) != "ready":
        abort(404)
    audit.record("recording.download", f"recording/{recording.id}", None, {"call": recording.call_id})
    db.session().commit()
    return send(recording, as_attachment=True)


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
