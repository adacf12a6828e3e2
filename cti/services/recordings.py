"""Which recordings run, and the durable word that one is complete. Of files it knows only the name the switch says."""

from __future__ import annotations

from typing import Any

from cti.domain.calls import Call
from cti.domain.switch.events import RecordingStarted, RecordingStopped
from cti.services.centre import Centre
from cti.services.effects import Log
from cti.services.recorder import Recorder


class Recordings:
    """A recording may end after its call is gone; what its document needs is kept from when it started."""

    def __init__(self, centre: Centre) -> None:
        self._centre = centre
        self._running: dict[str, dict[str, Any]] = {}

    def event(self, event: RecordingStarted | RecordingStopped) -> None:
        found = self._centre.channels.get(event.channel)
        call = found[0] if found is not None else self._centre.watched.get(event.channel)
        if call is not None and event.recording_id not in self._running:
            self._note(call, event.recording_id)
        if isinstance(event, RecordingStarted):
            return
        document = self._running.pop(event.recording_id, None)
        if document is None:
            self._centre.counters["recording:unknown"] += 1
            return
        document = {**document, "file": event.file, "ended_at": self._centre.now}
        self._centre.effects.append(Log(f"cy.log.recording.{event.recording_id}", document, event.recording_id))

    def reconciled(self) -> None:
        """After a snapshot: those of calls that are gone will not be heard of again; what did not start may now."""
        recorder = Recorder(self._centre)
        for call in self._centre.calls.values():
            if self._centre.switches[call.switch].reconciled:
                recorder.again(call)
        calls = {**self._centre.calls, **{call.call_id: call for call in self._centre.watched.values()}}
        self._running = {i: r for i, r in self._running.items() if r["call_id"] in calls}
        for call in calls.values():
            for recording in call.recordings:
                if recording.ended_at is None:
                    self._note(call, recording.recording_id)

    def _note(self, call: Call, recording_id: str) -> None:
        recording = next((r for r in call.recordings if r.recording_id == recording_id), None)
        if recording is not None:
            self._running[recording_id] = {
                "recording_id": recording_id,
                "call_id": call.call_id,
                "leg_id": recording.leg_id,
                "agent_id": recording.agent_id,
                "started_at": recording.started_at,
            }
