"""Messages that callers leave for a queue: greeting, tone, message until a key, a hang-up, silence, or too long.

Knows nothing of files or of who listens later; the recording says for which queue it is.
"""

from __future__ import annotations

from collections.abc import Callable

from cti.domain.calls import Call, CallPhase
from cti.domain.dialogues import Message, MessageStage
from cti.domain.ids import new_id
from cti.domain.legs import Audio, Leg
from cti.domain.switch.commands import Play
from cti.services.calls import CallControl
from cti.services.centre import Centre

GREETING_DEADLINE = 60.0
TONE_DEADLINE = 5.0
"""Seconds after which the next thing happens without the word that the prompt ended."""

TONE = "signals/beep"
SAVED = "voicemail_saved"
END_KEY = "#"


class Voicemail:
    """``say_and_end`` says a last sentence and hangs up."""

    def __init__(self, centre: Centre, control: CallControl, say_and_end: Callable[[Call, str], None]) -> None:
        self._centre = centre
        self._control = control
        self._say_and_end = say_and_end

    def begin(self, call: Call, queue_id: str) -> None:
        """The caller is asked for a message to the agents of a queue."""
        customer, queue = call.customer, self._centre.queues.get(queue_id)
        if customer is None or queue is None:
            self._say_and_end(call, "goodbye")
            return
        call.phase, call.queue_id, call.menu = CallPhase.VOICEMAIL, queue_id, None
        call.message = Message(MessageStage.GREETING)
        self._control.remember(call)
        self._play(call, customer, f"{call.language}/{queue.config.voicemail_greeting}", GREETING_DEADLINE)
        self._centre.log_call("voicemail", call)

    def _play(self, call: Call, customer: Leg, prompt: str, deadline: float) -> None:
        assert call.message is not None
        customer.wants, customer.music_on = Audio.PROMPT, False
        call.message.play_id = new_id(self._centre.now)
        skipped = call.message.stage is MessageStage.GREETING
        self._centre.command(call, Play(customer.channel, (prompt,), call.message.play_id, skipped))
        self._centre.start_timer(f"message:{call.call_id}", deadline)

    def played(self, call: Call, play_id: str) -> bool:
        """Whether it was ours; then the next follows."""
        if call.message is None or call.message.play_id != play_id:
            return False
        self._next(call)
        return True

    def timer(self, call: Call) -> None:
        """A prompt of which nothing is heard any more, or the message is as long as it may be."""
        self._next(call)

    def digit(self, call: Call, digit: str) -> None:
        if digit == END_KEY and call.message is not None and call.message.stage is MessageStage.RECORDING:
            self.finish(call)

    def _next(self, call: Call) -> None:
        customer, message = call.customer, call.message
        if customer is None or message is None:
            return
        if message.stage is MessageStage.GREETING:
            message.stage = MessageStage.TONE
            self._play(call, customer, TONE, TONE_DEADLINE)
        elif message.stage is MessageStage.TONE:
            self._record(call, customer, message)
        else:
            self.finish(call)

    def _record(self, call: Call, customer: Leg, message: Message) -> None:
        message.stage, message.play_id = MessageStage.RECORDING, ""
        customer.wants = Audio.SILENCE
        self._control.recorder.message(call, customer, self._centre.config.message_silence)
        self._centre.start_timer(f"message:{call.call_id}", self._longest(call))
        self._centre.log_call("voicemail", call)

    def _longest(self, call: Call) -> float:
        queue = self._centre.queues.get(call.queue_id)
        return queue.config.voicemail_max if queue is not None else 0.0

    def stopped(self, call: Call, recording_id: str) -> None:
        """The switch has ended a recording: where it is the message, the caller has fallen silent."""
        running = next((r for r in call.recordings if r.recording_id == recording_id and r.ended_at is None), None)
        if running is not None and running.voicemail and call.message is not None:
            running.ended_at = self._centre.now
            self.finish(call)

    def finish(self, call: Call) -> None:
        """The caller is done, or has to be."""
        customer = call.customer
        call.message = None
        self._centre.stop_timer(f"message:{call.call_id}")
        if customer is not None:
            self._control.recorder.stop(call, customer)
            self._say_and_end(call, SAVED)

    def not_recorded(self, call: Call) -> None:
        """The switch does not record: nobody shall talk to nothing."""
        call.message = None
        self._centre.stop_timer(f"message:{call.call_id}")
        self._say_and_end(call, "goodbye")

    def resume(self, call: Call) -> None:
        """After a restart: a message that is being left goes on, anything else is asked for anew."""
        customer = call.customer
        running = next((r for r in reversed(call.recordings) if r.voicemail and r.ended_at is None), None)
        if customer is None or running is None or running.channel != customer.channel:
            self.begin(call, call.queue_id)
            return
        call.message = Message(MessageStage.RECORDING)
        customer.wants = Audio.SILENCE
        left = running.started_at + self._longest(call) - self._centre.now
        self._centre.start_timer(f"message:{call.call_id}", left)
