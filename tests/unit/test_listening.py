"""Listening to a line of a board: the simulated caller's tone is heard in the page, and who listens is bounded."""

from __future__ import annotations

import base64
import os
import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import sync_playwright

from cards.host.board import BoardError
from cards.host.floor import Floor
from cards.host.listening import MOST, PATIENCE, Listening
from cards.host.simulated import driver
from cards.host.sound import Prompts
from cards.host.tapes import Tapes
from cards.sim.build import Face, library
from cards.sim.control import SimBoard, State
from cti.domain.errors import BadRequest, CommandRefused, EngineUnavailable
from cti.settings import SwitchChoice
from cti.store.models import AuditEntry, PhoneKind
from tests.fakes.rtp import tone_level
from tests.fakes.site import Site
from tests.pages import browser
from tests.unit.cards_sim import BUILT

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
HERTZ = 1000
HEARD = """async () => {
  const level = window.analysers.at(-1);
  const bins = new Float32Array(level.frequencyBinCount);
  level.getFloatFrequencyData(bins);
  const at = bins.indexOf(Math.max(...bins));
  return bins[at] > -60 ? at * level.context.sampleRate / level.fftSize : 0;
}"""
KEEP_ANALYSERS = """window.analysers = [];
const make = AudioContext.prototype.createAnalyser;
AudioContext.prototype.createAnalyser = function () {
  const made = make.call(this); window.analysers.push(made); return made;
};"""


class Recorder:
    """A board that records nothing, or refuses."""

    def __init__(self) -> None:
        self.broken = False
        self.recording: set[int] = set()

    def record(self, line: int, file: Path) -> None:
        if self.broken:
            raise BoardError("no channel to record with")
        self.recording.add(line)

    def stop_record(self, line: int) -> None:
        self.recording.discard(line)


def test_listeners_are_few_ask_for_each_piece_and_are_forgotten(tmp_path: Path) -> None:
    now, recorder = [0.0], Recorder()
    (tmp_path / "listen-old.raw").write_bytes(b"left")
    listening = Listening(Tapes(recorder, tmp_path / "taps", lambda: now[0]), tmp_path, lambda: now[0])
    names = [listening.begin(line)["listener"] for line in range(MOST)]
    assert len(list(tmp_path.glob("listen-*.raw"))) == MOST
    with pytest.raises(CommandRefused, match="already"):
        listening.begin(99)
    file = tmp_path / f"listen-{names[0]}.raw"
    file.write_bytes(np.array([[1, 2], [30000, 30000], [-5, 4]], dtype="<i2").tobytes() + b"\x01")
    assert np.frombuffer(base64.b64decode(listening.hear(names[0])["sound"]), "<i2").tolist() == [3, 32767, -1]
    assert listening.hear(names[0])["sound"] == ""
    now[0] = PATIENCE - 1
    listening.hear(names[0])
    listening.end(names[1])
    now[0] = PATIENCE + 1
    listening.step()
    assert recorder.recording == {0}
    for gone in (names[2], "", None):
        with pytest.raises(BadRequest):
            listening.hear(gone)
    recorder.broken = True
    with pytest.raises(CommandRefused, match="no channel"):
        listening.begin(5)
    listening.close()
    assert not list(tmp_path.glob("listen-*.raw"))


class LiveBoard:
    """A simulated board with its host's floor, in real time, behind the site's bus."""

    def __init__(self, site: Site, folder: Path) -> None:
        path = library(Face.SYNWAY, BUILT)
        self.sim = SimBoard(path)
        self.sim.reset()
        self.sim.configure(trunks=2, extensions=0)
        folder.mkdir()
        board = driver("synway", path, folder)
        self.floor = Floor("board", board, Prompts(folder, folder / "prompts"), folder / "spool", lambda event: None)
        self.floor.open()
        self.listening = Listening(self.floor.tapes, folder / "listening", self.floor.clock)
        self.sim.real_time(True)
        self._lock, self._over = threading.Lock(), threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        bus = site.app.extensions["callyard_bus"]
        ask = bus.request

        def request(subject: str, payload: dict[str, Any], timeout: float = 3.0) -> dict[str, Any]:
            return self._answer(payload) if subject == "cy.cmd.board.board" else ask(subject, payload, timeout)

        bus.request = request

    def close(self) -> None:
        self._over.set()
        self._thread.join()
        self.listening.close()
        self.floor.close()
        self.sim.real_time(False)

    def _run(self) -> None:
        while not self._over.wait(0.01):
            with self._lock:
                self.floor.step()
                self.listening.step()

    def _answer(self, request: dict[str, Any]) -> dict[str, Any]:
        with self._lock:
            match request["op"]:
                case "lines":
                    shown = {"kind": "trunk", "state": "idle", "level": None, "number": "", "channel": ""}
                    lines = [{"line": line, **shown} for line in self.floor.lines]
                    return {"ok": True, "vendor": "synway", "simulated": False, "listens": True, "lines": lines}
                case "listen":
                    return self.listening.begin(request["line"])
                case "hear":
                    return self.listening.hear(request["listener"])
                case "deafen":
                    return self.listening.end(request["listener"])
        raise EngineUnavailable(request["op"])

    def takes_a_call(self, script: str) -> None:
        self.sim.line(0).do(f"call 13800138000 none; answered 60; {script}")
        until(lambda: self.sim.line(0).state is State.RINGING, "the line rings")
        with self._lock:
            self.floor.board.pick_up(0)

    @property
    def listeners(self) -> int:
        with self._lock:
            return len(self.listening._listeners)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    made = Site(tmp_path, phone=PhoneKind.WEB, switch_name="board", switch=SwitchChoice.BOARD, board="sim")
    made.listen()
    yield made
    made.close()


@pytest.fixture
def board(site: Site, tmp_path: Path) -> Iterator[LiveBoard]:
    made = LiveBoard(site, tmp_path / "live")
    yield made
    made.close()


def test_a_callers_tone_is_heard_in_the_page_until_it_is_left(site: Site, board: LiveBoard) -> None:
    board.takes_a_call(f"tone {HERTZ} 60 -15")
    answer = browser(site, "supervisor").get("/boards/board/lines/0/listen")
    heard, pieces = np.zeros(0, np.int16), iter(answer.response)

    def tone_heard() -> bool:
        nonlocal heard
        heard = np.concatenate([heard, np.frombuffer(bytes(next(pieces)), "<i2")])[-4000:]
        return len(heard) == 4000 and tone_level(heard, HERTZ) > 0.5

    until(tone_heard, "the tone is in the stream")
    answer.close()
    assert browser(site, "agent1").get("/boards/board/lines/0/listen").status_code == 403
    assert browser(site, "supervisor").get("/boards/other/lines/0/listen").status_code == 404
    if CHROMIUM is not None or os.environ.get("CI") == "true":
        listen_in_chromium(site, board)
    until(lambda: board.listeners == 0, "nobody listens any more")
    until(lambda: len(written(site)) == (4 if CHROMIUM else 2), "each listening is in the audit")
    assert {entry.action for entry in written(site)} == {"board.listen", "board.listened"}
    assert all(entry.after["line"] == 0 and entry.username for entry in written(site))
    assert all("seconds" in entry.after for entry in written(site) if entry.action == "board.listened")


def listen_in_chromium(site: Site, board: LiveBoard) -> None:
    with sync_playwright() as playwright:
        arguments = ["--no-sandbox", "--disable-gpu", "--in-process-gpu", "--autoplay-policy=no-user-gesture-required"]
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        context = chromium.new_context(viewport={"width": 1366, "height": 768}, locale="en-GB")
        context.add_init_script(KEEP_ANALYSERS)
        context.add_cookies(site.cookies("admin"))
        page = context.new_page()
        page.set_default_timeout(10_000)
        page.goto(f"{site.url}/boards")
        page.wait_for_selector("html[data-ready]")
        page.click("#listen-board-0")
        page.wait_for_selector('#listen-board-0[aria-pressed="true"]')
        until(lambda: abs(page.evaluate(HEARD) - HERTZ) < 40, "the tone is heard")
        assert board.listeners == 1
        page.goto("about:blank")
        chromium.close()


def written(site: Site) -> list[Any]:
    with site.sessions() as session:
        return [one for one in session.query(AuditEntry) if one.action.startswith("board.listen")]


def until(condition: Any, what: str, deadline: float = 20.0) -> None:
    end = time.monotonic() + deadline
    while not condition():
        assert time.monotonic() < end, what
        threading.Event().wait(0.05)
