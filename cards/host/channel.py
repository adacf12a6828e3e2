"""What the floor holds: a physical line with the state of its chart, and the channel of the call that is on it.

Data and nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from cards.host import extension, trunk_in, trunk_pri, watched
from cards.host.board import Alarm, LineKind
from cards.host.charts import Chart, LineState
from cti.domain.switch.commands import SpyMode
from cti.domain.switch.terms import Cause


@dataclass(slots=True)
class Playing:
    """Prompts still to be played, one after the other."""

    play_id: str
    files: list[Path]
    barge_in: bool = False


@dataclass(slots=True, eq=False)
class Line:
    number: int
    kind: LineKind
    since: float
    state: LineState = LineState.IDLE
    chart: Chart = field(default_factory=dict)
    channel: Channel | None = None
    caller_number: str = ""
    caller_name: str = ""
    dialled: str = ""
    last_ring: float = 0.0
    dead: bool = False
    alarm: Alarm = Alarm.NONE
    cause: Cause = Cause.NORMAL  # of the last call's end
    file_playing: bool = False
    looping: Path | None = None  # the file that is played again when it ends
    test_until: float = 0.0

    def __post_init__(self) -> None:
        charts = {
            LineKind.EXTENSION: extension.TABLE,
            LineKind.PRI: trunk_pri.INBOUND,
            LineKind.RECORDER: watched.TABLE,
        }
        self.chart = charts.get(self.kind, trunk_in.TABLE)

    def enter(self, state: LineState, now: float) -> None:
        self.state, self.since = state, now


@dataclass(slots=True, eq=False)
class Channel:
    id: str
    line: Line
    created_at: float
    caller_number: str = ""
    caller_name: str = ""
    dialed: str = ""
    device: str = ""
    trunk: str = ""
    hidden: bool = False
    incoming: bool = False
    watched: bool = False  # others drive it
    answered: bool = False
    controlled: bool = False
    held: bool = False
    state: str = ""
    music: str = ""
    peer: Channel | None = None
    spying: Channel | None = None
    spy_mode: SpyMode = SpyMode.LISTEN
    conference: str = ""
    playing: Playing | None = None
    give_up_at: float = 0.0
    deaf_until: float = 0.0  # it is sent digits and hears nothing else meanwhile
    asked_cause: Cause = Cause.NORMAL
    recordings: dict[str, str] = field(default_factory=dict)  # id → name
