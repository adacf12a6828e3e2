"""Prompts, ports, the bus's configuration and check-config."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import wave
from pathlib import Path

import numpy as np
import pytest

from cti.provision import checks, first_run, programs
from cti.provision.apt import ProvisionFailed
from cti.provision.phrases import LANGUAGES, phrases
from cti.provision.ports import Port, our_ports, require_ports, why_not_free
from cti.provision.prompts import make_prompts, missing_prompts, resample
from cti.provision.secrets import effective_secrets
from cti.provision.speech import EspeakLibrary, Speech
from cti.settings import Settings, SwitchChoice


class Tone:
    """A voice that says everything as half a second of 1 kHz."""

    name = "tone"

    def speak(self, text: str, language: str) -> Speech:
        time = np.arange(11025) / 22050
        return Speech((8000 * np.sin(2 * np.pi * 1000 * time)).astype(np.int16), 22050)


def test_both_languages_have_the_same_prompts() -> None:
    assert phrases("zh_CN").keys() == phrases("en").keys()
    numbers = {f"n_{n}" for n in (*range(21), *range(30, 100, 10), 100, 1000)}
    assert numbers | {"welcome", "menu_main", "position_is", "in_queue", "demo_caller"} <= phrases("en").keys()
    assert phrases("zh_CN")["n_12"] == (("zh_CN", "十二"),)
    assert phrases("zh_CN")["n_90"] == (("zh_CN", "九十"),)
    assert phrases("en")["n_20"] == (("en", "twenty"),)


def test_prompts_are_made_for_the_telephone(tmp_path: Path) -> None:
    assert make_prompts(tmp_path, Tone()) == len(LANGUAGES) * len(phrases("en"))
    assert make_prompts(tmp_path, Tone()) == 0
    with wave.open(str(tmp_path / "zh_CN" / "welcome.wav")) as sound:
        assert (sound.getframerate(), sound.getnchannels(), sound.getsampwidth()) == (8000, 1, 2)
        samples = np.frombuffer(sound.readframes(sound.getnframes()), "<i2")
    loudest = np.argmax(np.abs(np.fft.rfft(samples))) * 8000 / len(samples)
    assert loudest == pytest.approx(1000, abs=5)
    assert sorted(p.suffix for p in tmp_path.rglob("*") if p.is_file() and p.suffix != ".wav") == []


def test_a_recording_of_ones_own_is_never_overwritten(tmp_path: Path) -> None:
    (tmp_path / "en").mkdir()
    (tmp_path / "en" / "welcome.wav").write_bytes(b"our own voice")
    make_prompts(tmp_path, Tone())
    assert (tmp_path / "en" / "welcome.wav").read_bytes() == b"our own voice"
    assert missing_prompts(tmp_path) == []


def test_resampling_keeps_the_pitch_and_cuts_what_a_telephone_cannot_carry() -> None:
    time = np.arange(22050) / 22050
    high = Speech((8000 * np.sin(2 * np.pi * 6000 * time)).astype(np.int16), 22050)
    assert np.abs(resample(high, 8000)).max() < 100


def test_the_wheel_speaks_both_languages() -> None:
    """Mandarin that falls back to spelling would take far longer for four characters."""
    engine = EspeakLibrary.load()
    seconds = {
        language: len(speech.samples) / speech.rate
        for language, text in (("zh_CN", "谢谢再见"), ("en", "thank you, goodbye"))
        for speech in [engine.speak(text, language)]
    }
    assert all(0.5 < length < 2.5 for length in seconds.values()), seconds


def listening(kind: int = socket.SOCK_STREAM) -> socket.socket:
    holder = socket.socket(socket.AF_INET, kind)
    holder.bind(("127.0.0.1", 0))
    if kind == socket.SOCK_STREAM:
        holder.listen(1)
    return holder


@pytest.mark.parametrize("kind", [socket.SOCK_STREAM, socket.SOCK_DGRAM])
def test_a_port_in_use_is_named_with_its_setting(kind: int) -> None:
    with listening(kind) as holder:
        number = holder.getsockname()[1]
        port = Port("SIP", "CALLYARD_SIP_PORT", "127.0.0.1", number, kind == socket.SOCK_DGRAM)
        assert why_not_free(port) == (
            f"port {number} (SIP) is in use: stop the program that holds it, or set CALLYARD_SIP_PORT"
        )
    assert why_not_free(port) is None


def test_an_address_that_is_not_ours_is_named() -> None:
    assert "CALLYARD_BIND" in (why_not_free(Port("web", "CALLYARD_WEB_PORT", "192.0.2.200", 8080)) or "")


def test_two_uses_of_one_port_are_named(tmp_path: Path) -> None:
    with listening() as holder:
        number = holder.getsockname()[1]
    settings = Settings(var=tmp_path, web_port=number, sip_ws_port=number)
    with pytest.raises(ProvisionFailed, match=f"port {number} is set for both web and SIP over websocket"):
        require_ports([p for p in our_ports(settings, settings.switches()) if p.number == number])


def test_what_is_outside_needs_no_port(tmp_path: Path) -> None:
    settings = Settings(var=tmp_path)
    assert {p.use for p in our_ports(settings, own_nats=False)} == {
        "web",
        "engine metrics",
        "worker metrics",
    }


def test_the_bus_wants_its_token(tmp_path: Path) -> None:
    with listening() as holder:
        port = holder.getsockname()[1]
    settings = Settings(var=tmp_path, nats_port=port)
    program = programs.nats_server(settings, effective_secrets(settings))
    assert (tmp_path / "nats/nats.conf").stat().st_mode & 0o777 == 0o600
    with subprocess.Popen(program.argv, stderr=subprocess.DEVNULL) as server:
        try:
            asyncio.run(_until(program.probe))
            with socket.create_connection(("127.0.0.1", port), 5) as connection:
                connection.settimeout(5)
                assert b'"auth_required":true' in connection.recv(4096)
                connection.sendall(b'CONNECT {"auth_token":"guess","verbose":true}\r\nPING\r\n')
                assert b"Authorization Violation" in connection.recv(4096)
        finally:
            os.kill(server.pid, signal.SIGTERM)


async def _until(probe: programs.Probe) -> None:
    async with asyncio.timeout(10):
        while not await probe():  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.05)


def found(settings: Settings) -> dict[str, checks.Check]:
    return {check.name: check for check in checks.check_all(settings)}


def test_check_config_tells_what_is_wrong_and_what_to_do(tmp_path: Path) -> None:
    with listening() as holder:
        settings = Settings(
            var=tmp_path,
            switch=SwitchChoice.SIM,
            web_port=holder.getsockname()[1],
            database_url="postgresql://callyard:top-secret@127.0.0.1:1/none",
            nats_url="nats://127.0.0.1:1",
        )
        result = found(settings)
        assert not result[f"port {settings.web_port}"].ok
        assert "CALLYARD_WEB_PORT" in result[f"port {settings.web_port}"].text
    assert not result["database"].ok
    assert "CALLYARD_DATABASE_URL" in result["database"].text
    assert "top-secret" not in "".join(check.text for check in result.values())
    assert not result["bus"].ok
    assert result["switch"].ok
    assert all("\n" not in check.text for check in result.values())


def test_an_outside_manager_that_refuses_us_is_told(tmp_path: Path) -> None:
    with listening() as server:
        settings = Settings(var=tmp_path, ami_host="127.0.0.1", ami_port=server.getsockname()[1], ami_secret="x" * 12)

        import threading

        def refuse() -> None:
            peer, _ = server.accept()
            with peer:
                peer.recv(1024)
                peer.sendall(b"Asterisk Call Manager/9.0\r\nResponse: Error\r\nMessage: Authentication failed\r\n\r\n")

        thread = threading.Thread(target=refuse)
        thread.start()
        check = found(settings)["switch"]
        thread.join(5)
    assert not check.ok
    assert "CALLYARD_AMI_SECRET" in check.text


def test_a_damaged_database_is_one_line_that_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "callyard.db").write_text("this is no database at all, " * 50, encoding="utf-8")
    with pytest.raises(ProvisionFailed, match="restore a backup, or move the file away") as failed:
        first_run.prepare_database(Settings(var=tmp_path), lambda _text: None)
    assert "\n" not in str(failed.value)


def test_the_first_administrators_password_is_kept_until_it_was_shown(tmp_path: Path) -> None:
    settings = Settings(var=tmp_path)
    first = first_run.prepare_database(settings, lambda _text: None)
    assert first.admin_password
    assert first.demo_logins
    assert first.demo_logins.stat().st_mode & 0o777 == 0o600
    assert first_run.prepare_database(settings, lambda _text: None).admin_password == first.admin_password
    first_run.forget_first_password(settings)
    assert first_run.prepare_database(settings, lambda _text: None).admin_password is None
    assert first_run.reset_password(settings, first_run.ADMIN_NAME) != first.admin_password
    with pytest.raises(ProvisionFailed, match="no user 'nobody'"):
        first_run.reset_password(settings, "nobody")


def test_a_switch_asked_for_before_the_tables_are_made_says_how_to_make_them(tmp_path: Path) -> None:
    settings = Settings(var=tmp_path)
    with pytest.raises(ProvisionFailed, match="cti migrate"):
        first_run.load_rows(settings)
    first_run.migrate_database(settings)
    assert first_run.load_rows(settings)
    gone = Exception('relation "agents" does not exist')
    assert "cti migrate" in first_run.explain("postgresql://callyard@127.0.0.1/callyard", gone)


def test_every_setting_is_explained_in_the_operations_page() -> None:
    page = (Path(__file__).parents[2] / "docs" / "operations.md").read_text(encoding="utf-8")
    for name in Settings.model_fields:
        assert f"| `CALLYARD_{name.upper()}` |" in page
