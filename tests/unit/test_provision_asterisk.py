"""Getting an Asterisk: what is used when, one download for many starters, and one clear line for each lack."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from cti.provision import apt
from cti.provision.apt import ProvisionFailed
from cti.provision.asterisk import ensure_asterisk, find_asterisk, private_installation
from cti.settings import Settings

APT_GET = """#!/bin/sh
echo "apt-get $*" >> "$FAKE_LOG"
case "$*" in
  indextargets*) echo "$FAKE_MIRROR" ;;
  *update*) {update} ;;
  *install*)
    for d in "$@"; do case $d in Dir::Cache::archives=*) a=${{d#*=}};; esac; done
    touch "$a/asterisk.deb" "$a/libc6.deb" ;;
esac
"""
DPKG = """#!/bin/sh
echo "dpkg $*" >> "$FAKE_LOG"
mkdir -p "$3/usr/sbin" "$3/usr/lib/{triplet}/asterisk/modules" "$3/usr/share/asterisk" "$3/usr/share/doc/x"
echo x > "$3/usr/sbin/asterisk"
printf '#!/bin/sh\\necho Asterisk 22.99\\n' > "$3/usr/lib/{triplet}/{loader}"
chmod +x "$3/usr/lib/{triplet}/{loader}"
"""
Machine = Callable[..., Settings]


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """A machine with its own idea of apt: fake programs that write down how they were called."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("sh", "touch", "mkdir", "chmod", "sleep"):
        (programs / name).symlink_to(shutil.which(name) or f"/bin/{name}")
    monkeypatch.setenv("PATH", str(programs))
    monkeypatch.setenv("FAKE_LOG", str(tmp_path / "log"))
    monkeypatch.setenv("FAKE_MIRROR", "http://mirror.example/debian/")
    monkeypatch.setattr(apt, "KEYRINGS", (tmp_path / "keyring.gpg",))
    (tmp_path / "keyring.gpg").touch()

    def make(update: str = ":", triplet: str = "x86_64-linux-gnu", loader: str = "ld-linux-x86-64.so.2") -> Settings:
        for name, text in (
            ("apt-get", APT_GET.format(update=update)),
            ("dpkg", DPKG.format(triplet=triplet, loader=loader)),
        ):
            (programs / name).write_text(text, encoding="utf-8")
            (programs / name).chmod(0o755)
        return Settings(var=tmp_path / "var")

    return make


def log_of(settings: Settings) -> list[str]:
    path = settings.var.parent / "log"
    return path.read_text(encoding="utf-8").splitlines() if path.exists() else []


def quiet(text: str) -> None:
    """Progress nobody reads."""


@pytest.mark.parametrize(
    ("triplet", "loader"),
    [("x86_64-linux-gnu", "ld-linux-x86-64.so.2"), ("aarch64-linux-gnu", "ld-linux-aarch64.so.1")],
)
def test_a_private_copy_is_fetched_whatever_the_architecture(machine: Machine, triplet: str, loader: str) -> None:
    settings = machine(triplet=triplet, loader=loader)
    said: list[str] = []
    found = ensure_asterisk(settings.switches()[0], said.append)
    assert found.argv_prefix[0].endswith(f"usr/lib/{triplet}/{loader}")
    assert found.module_dir == settings.dist_dir / f"asterisk/usr/lib/{triplet}/asterisk/modules"
    assert found.version() == "Asterisk 22.99"
    assert len(said) == 3
    assert not (settings.dist_dir / "asterisk/usr/share/doc").exists()
    assert sorted(p.name for p in settings.dist_dir.iterdir()) == [".asterisk.lock", "asterisk"]


def test_the_machines_own_apt_state_is_never_named(machine: Machine) -> None:
    settings = machine()
    ensure_asterisk(settings.switches()[0], quiet)
    private = str(settings.dist_dir / ".asterisk.partial")
    for line in log_of(settings)[1:]:
        if line.startswith("apt-get"):
            for option in ("Dir::State", "Dir::State::status", "Dir::Cache", "Dir::Etc::sourcelist", "Dir::Log"):
                assert f"-o {option}={private}" in line


def test_what_is_there_is_not_fetched_again(machine: Machine) -> None:
    settings = machine()
    ensure_asterisk(settings.switches()[0], quiet)
    calls = len(log_of(settings))
    ensure_asterisk(settings.switches()[0], quiet)
    assert len(log_of(settings)) == calls


def test_many_starters_fetch_once(machine: Machine) -> None:
    settings = machine(update="sleep 0.3")
    found: list[object] = []
    threads = [
        threading.Thread(target=lambda: found.append(ensure_asterisk(settings.switches()[0], quiet))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(found) == 4
    assert sum("indextargets" in line for line in log_of(settings)) == 1


def test_a_cut_network_is_one_line_and_leaves_nothing_half(machine: Machine) -> None:
    settings = machine(update="echo 'E: Failed to fetch: Temporary failure resolving' >&2; exit 100")
    with pytest.raises(ProvisionFailed, match="cannot download Asterisk: apt-get: E: Failed to fetch") as failed:
        ensure_asterisk(settings.switches()[0], quiet)
    assert "\n" not in str(failed.value)
    assert "CALLYARD_SWITCH=sim" in str(failed.value)
    assert private_installation(settings.dist_dir / "asterisk") is None
    assert [p.name for p in settings.dist_dir.iterdir()] == [".asterisk.lock"]


def test_a_full_disk_is_told_before_the_download(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = machine()
    usage = shutil.disk_usage("/")
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: usage._replace(free=10 * 2**20))
    with pytest.raises(ProvisionFailed, match=r"10 MB free.*CALLYARD_DIST"):
        ensure_asterisk(settings.switches()[0], quiet)
    assert log_of(settings) == []


def test_a_disk_that_fills_during_the_download_is_told(machine: Machine) -> None:
    settings = machine(update="echo 'E: Write error - write (28: No space left on device)' >&2; exit 100")
    with pytest.raises(ProvisionFailed, match="no space left on the disk"):
        ensure_asterisk(settings.switches()[0], quiet)


def test_a_machine_without_apt_is_told_what_to_do(machine: Machine) -> None:
    settings = machine()
    for name in ("apt-get", "dpkg"):
        (settings.var.parent / "bin" / name).unlink()
    with pytest.raises(ProvisionFailed, match="no apt: install asterisk yourself"):
        ensure_asterisk(settings.switches()[0], quiet)


def test_a_slow_network_has_a_deadline(machine: Machine) -> None:
    settings = machine(update="sleep 30")
    with pytest.raises(ProvisionFailed, match="did not finish in time"):
        ensure_asterisk(settings.switches()[0], quiet, deadline=0.5)


def test_an_asterisk_on_path_is_used(machine: Machine, tmp_path: Path) -> None:
    settings = machine()
    prefix = tmp_path / "usr"
    for folder in ("sbin", "lib/x86_64-linux-gnu/asterisk/modules", "share/asterisk/documentation"):
        (prefix / folder).mkdir(parents=True)
    program = prefix / "sbin/asterisk"
    program.write_text("#!/bin/sh\n", encoding="utf-8")
    program.chmod(0o755)
    (tmp_path / "bin/asterisk").symlink_to(program)
    found = find_asterisk(settings.switches()[0])
    assert found is not None
    assert found.argv_prefix == (str(tmp_path / "bin/asterisk"),)
    assert found.module_dir == prefix / "lib/x86_64-linux-gnu/asterisk/modules"
    assert found.data_dir == prefix / "share/asterisk"


def test_a_named_program_that_is_not_there_is_told(machine: Machine) -> None:
    settings = machine().model_copy(update={"asterisk_bin": "/nowhere/asterisk"})
    with pytest.raises(ProvisionFailed, match="CALLYARD_ASTERISK_BIN=/nowhere/asterisk"):
        find_asterisk(settings.switches()[0])


def test_an_ordinary_users_folder_that_cannot_be_written_is_told(machine: Machine) -> None:
    settings = machine()
    settings.var.mkdir()
    (settings.var / "dist").write_text("a file in the way", encoding="utf-8")
    with pytest.raises(ProvisionFailed, match="cannot get Asterisk into"):
        ensure_asterisk(settings.switches()[0], quiet)
    assert os.path.isfile(settings.var / "dist")
