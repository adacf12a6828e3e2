"""Recordings from the switch's spool into their place by date, driven by the rows that are still pending.

Runs in a thread of the worker, one at a time. What fails for lack of disk is tried again later; nothing is deleted
before its copy is safe and its row says so. Must not know the bus.
"""

from __future__ import annotations

import errno
import hashlib
import time
import wave
from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path, PurePosixPath

import structlog
from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session, sessionmaker

from cti.store import audio
from cti.store.events import BadEvent, safe_path
from cti.store.models import Call, MessageState, Recording, RecordingState, Voicemail, utc_now

BATCH = 100
SETTLED = timedelta(seconds=20)  # after an end of which the switch did not say that the file is complete
LOST = timedelta(minutes=10)  # without a file for so long after its end: missing
BRIEF = timedelta(seconds=1)  # one that short and without a file never began
ABANDONED = timedelta(hours=12)  # a recording that never ended: engine and switch both forgot it
LARGEST = 2 * 2**30  # bytes, 18 hours of sound; a WAV holds no more than 4 GB
SAID = 0.3  # seconds of voice that make a message
ORPHAN_AGE = 3600.0  # seconds since the last write to a file that no row names

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class RecordingStats:
    ready: int = 0
    missing: int = 0
    adopted: int = 0
    failed: int = 0
    disk_full: bool = False


@dataclass(slots=True)
class Finaliser:
    """``swap_tracks`` when the switch writes the two sides the other way round; ``more_spools`` of further switches.

    ``unsaid`` collects the calls that left a message in which nothing is said: such a message is put away as empty.
    """

    sessions: sessionmaker[Session]
    spool: Path
    recordings: Path
    swap_tracks: bool = False
    more_spools: tuple[Path, ...] = ()
    clock: Callable[[], datetime] = utc_now
    stats: RecordingStats = field(default_factory=RecordingStats)
    unsaid: set[str] = field(default_factory=set)

    def finish(self, complete: Collection[str] = ()) -> int:
        """Convert the recordings ``complete`` and those whose end is past; how many became ready.

        Raises what the database raises.
        """
        with self.sessions() as session:
            pending = select(Recording.id).where(Recording.state == RecordingState.PENDING)
            named = pending.where(Recording.id.in_(list(complete)[:BATCH]))
            over = pending.outerjoin(Call, Call.id == Recording.call_id).where(self._over(SETTLED)).limit(BATCH)
            ids = [*session.scalars(named), *session.scalars(over.order_by(Recording.started_at))]
            return sum(self._finish_row(session, recording_id) for recording_id in dict.fromkeys(ids))

    def sweep(self) -> None:
        """What nobody told of: rows whose file never came, files that no row names."""
        self.finish()
        self._give_up_missing()
        self._adopt_orphans()

    def _over(self, since: timedelta) -> ColumnElement[bool]:
        now = self.clock()
        return or_(
            Recording.ended_at < now - since, Call.ended_at < now - since, Recording.started_at < now - ABANDONED
        )

    def _finish_row(self, session: Session, recording_id: str) -> bool:
        recording = session.get(Recording, recording_id)
        if recording is None or not self._convert(session, recording):
            return False
        session.commit()
        raw = self._raw(recording.spool_file)
        if self._is_sound(raw):
            with suppress(OSError):
                raw.unlink(missing_ok=True)
        ready = recording.state is RecordingState.READY
        self.stats.ready += ready
        self.stats.missing += not ready
        return ready

    def _convert(self, session: Session, recording: Recording) -> bool:
        """Whether the row changed."""
        raw = self._raw(recording.spool_file)
        name = str(PurePosixPath(recording.spool_file).with_suffix(".wav"))
        target = self.recordings / name
        try:
            if raw.exists() and not self._is_sound(raw):
                log.error("recording.refused", call_id=recording.call_id, file=recording.spool_file)
                made = None
            elif raw.exists():
                made = audio.convert(raw, target, swap=self.swap_tracks)
            elif target.exists():
                made = audio.measure(target)
            else:
                return False
        except (OSError, EOFError, wave.Error) as error:
            self._failed(recording, error)
            return False
        self._disk_is_fine()
        if made is None or made.spoken < SAID:
            self._no_message(session, recording)
        if made is None:
            recording.state = RecordingState.MISSING
            return True
        recording.file, recording.duration, recording.bytes = name, made.duration, made.bytes
        recording.ended_at = recording.ended_at or recording.started_at + timedelta(seconds=made.duration)
        recording.state = RecordingState.READY
        return True

    def _no_message(self, session: Session, recording: Recording) -> None:
        """Where it was left as a message, nobody need listen to it."""
        voicemail = session.get(Voicemail, recording.id)
        if voicemail is not None and voicemail.state is MessageState.NEW:
            voicemail.state = MessageState.EMPTY
            self.unsaid.add(voicemail.call_id)

    def _raw(self, name: str) -> Path:
        """The file ``name`` in whichever spool has it; its place in the first where none has."""
        return next((s / name for s in self.more_spools if (s / name).exists()), self.spool / name)

    def _is_sound(self, raw: Path) -> bool:
        """A plain file of a spool itself, not a link to somewhere else, of a size that a recording can have."""
        spools = (self.spool, *self.more_spools)
        inside = any(raw.is_relative_to(s) and raw.resolve() == s.resolve() / raw.relative_to(s) for s in spools)
        return inside and raw.is_file() and raw.stat().st_size <= LARGEST

    def _give_up_missing(self) -> None:
        pending = select(Recording).where(Recording.state == RecordingState.PENDING).limit(BATCH * 10)
        with self.sessions() as session:
            lost = pending.outerjoin(Call, Call.id == Recording.call_id).where(self._over(LOST))
            ended = session.scalars(pending.where(Recording.ended_at < self.clock() - SETTLED))
            for recording in dict.fromkeys((*session.scalars(lost), *filter(_never_began, ended))):
                if not self._raw(recording.spool_file).exists():
                    recording.state = RecordingState.MISSING
                    self.stats.missing += 1
                    log.warning("recording.missing", call_id=recording.call_id, file=recording.spool_file)
            session.commit()

    def _adopt_orphans(self) -> None:
        """A file that no row names gets one: the engine died before it could tell."""
        spools, old = (self.spool, *self.more_spools), time.time() - ORPHAN_AGE
        names = list(dict.fromkeys(name for spool in spools for name in _old_files(spool, old)))
        with self.sessions() as session:
            for at in range(0, len(names), BATCH):
                part = names[at : at + BATCH]
                states = dict(
                    session.execute(
                        select(Recording.spool_file, Recording.state).where(Recording.spool_file.in_(part))
                    ).all()
                )
                for name in part:
                    if name not in states:
                        self._adopt(session, name)
                    elif states[name] is RecordingState.MISSING:
                        self._found_again(session, name)
                    elif states[name] is RecordingState.READY:
                        with suppress(OSError):
                            self._raw(name).unlink(missing_ok=True)

    def _adopt(self, session: Session, name: str) -> None:
        raw = self._raw(name)
        seconds = raw.stat().st_size / audio.FRAME / audio.RATE
        ended = datetime.fromtimestamp(raw.stat().st_mtime, UTC)
        recording = Recording(
            id=f"orphan-{hashlib.sha256(name.encode()).hexdigest()[:22]}",
            call_id=PurePosixPath(name).stem.rsplit("-", 1)[0][:40],
            spool_file=name,
            started_at=ended - timedelta(seconds=seconds),
            ended_at=ended,
        )
        session.merge(recording)
        session.commit()
        log.warning("recording.adopted", call_id=recording.call_id, file=name)
        self.stats.adopted += 1
        self._finish_row(session, recording.id)

    def _found_again(self, session: Session, name: str) -> None:
        for recording in session.scalars(select(Recording).where(Recording.spool_file == name)):
            recording.state = RecordingState.PENDING
            session.commit()
            self._finish_row(session, recording.id)

    def _failed(self, recording: Recording, error: Exception) -> None:
        self.stats.failed += 1
        full = isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)
        if not full:
            log.error("recording.failed", call_id=recording.call_id, file=recording.spool_file, error=str(error))
        elif not self.stats.disk_full:
            log.error(
                "recording.disk_full",
                folder=str(self.recordings),
                message="No space for recordings. They stay in the spool and are converted when there is room again.",
            )
        self.stats.disk_full = self.stats.disk_full or full

    def _disk_is_fine(self) -> None:
        if self.stats.disk_full:
            log.info("recording.disk_has_room", folder=str(self.recordings))
        self.stats.disk_full = False


def _never_began(recording: Recording) -> bool:
    """The switch refused it, mostly because its channel had gone at that moment."""
    return recording.ended_at is not None and recording.ended_at - recording.started_at < BRIEF


def _old_files(spool: Path, before: float) -> Iterable[str]:
    for path in spool.rglob("*.raw"):
        with suppress(OSError, BadEvent):
            if path.is_file() and not path.is_symlink() and path.stat().st_mtime < before:
                yield safe_path(path.relative_to(spool).as_posix())
