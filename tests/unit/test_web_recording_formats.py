"""Recordings downloaded in other codings than the one they are kept in, and what is said where that is not possible."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import soundfile

from cti.store.models import Recording
from tests.fakes.site import Site
from tests.pages import audited, body, browser, make_call, make_recording
from webui.calls import formats

READ = {"vox": {"format": "RAW", "subtype": "VOX_ADPCM", "samplerate": 8000, "channels": 1}}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    made = Site(tmp_path_factory.mktemp("site"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def recorded(site: Site) -> str:
    return make_recording(site, make_call(site, "rec", agent="1001"))


@pytest.mark.parametrize("name", formats.FORMATS)
def test_a_recording_is_downloaded_in_other_codings(site: Site, recorded: str, name: str) -> None:
    wanted, path = formats.FORMATS[name], f"/calls/recordings/{recorded}/download?as={name}"
    answer = browser(site, "admin").get(path, buffered=True)
    assert (answer.status_code, answer.mimetype) == (200, wanted.mimetype)
    assert answer.headers["Content-Disposition"].endswith(f"rec-1{wanted.ending}")
    assert answer.content_length == len(answer.data) < 64_000, "smaller than the WAV"
    with soundfile.SoundFile(io.BytesIO(answer.data), **READ.get(name, {})) as sound:
        assert (sound.subtype, sound.samplerate, sound.channels) == (
            wanted.coding,
            8000,
            1 if wanted.one_channel else 2,
        )
        samples = sound.read(20_000, always_2d=True)
    assert len(samples) == pytest.approx(16_000, rel=0.15)  # an MP3 begins and ends with silence of its coder
    heard = [set(loudest(side, 2 if wanted.one_channel else 1)) for side in samples.T]
    assert heard == ([{440, 880}] if wanted.one_channel else [{440}, {880}])
    assert audited(site, "recording.download")[-1].after == {"call": "rec", "format": name}
    assert f'<option value="{name}">' in body(browser(site, "admin"), "/calls/rec")
    assert browser(site, "agent1").get(path).status_code == 403


def loudest(samples: np.ndarray[Any, Any], count: int) -> list[int]:
    """The frequencies, to 20 Hz, that are strongest."""
    spectrum = np.abs(np.fft.rfft(samples[4000:4400]))
    return [int(at) * 20 for at in np.argsort(spectrum)[-count:]]


@pytest.mark.parametrize(
    ("name", "value", "status", "words"),
    [
        ("LONGEST", 1, 422, "two hours"),
        ("DEADLINE", -1.0, 422, "took too long"),
        ("_slots", threading.Semaphore(0), 503, "Other recordings"),
    ],
)
def test_a_recording_that_is_not_converted_says_why(
    site: Site, recorded: str, monkeypatch: pytest.MonkeyPatch, name: str, value: object, status: int, words: str
) -> None:
    path = f"/calls/recordings/{recorded}/download?as=mp3"
    with monkeypatch.context() as patch:
        patch.setattr(formats, name, value)
        refused = [browser(site, "admin").get(path) for _ in range(formats.TOGETHER + 1)]
    assert {one.status_code for one in refused} == {status}
    assert words in refused[0].text
    assert browser(site, "admin").get(path, buffered=True).status_code == 200
    assert browser(site, "admin").get(path.replace("mp3", "exe")).status_code == 400


def test_a_file_that_is_no_sound_is_not_converted(site: Site) -> None:
    broken = make_recording(site, make_call(site, "rec5", agent="1001"))
    with site.sessions() as session:
        file = session.get_one(Recording, broken).file
    (site.settings.recordings_dir / file).write_bytes(b"RIFF\xff\xff\xff\xffWAVEfmt no sound")
    answer = browser(site, "admin").get(f"/calls/recordings/{broken}/download?as=gsm")
    assert answer.status_code == 422
    assert "cannot be converted" in answer.text
