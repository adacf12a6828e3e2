"""Secrets are random, private, made once, and never printed."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from cti.provision.secrets import SecretsUnreadable, effective_secrets, load_secrets
from cti.settings import Settings


def test_secrets_are_made_once_and_only_for_us(tmp_path: Path) -> None:
    first = load_secrets(tmp_path)
    assert load_secrets(tmp_path) == first
    assert len({first.nats_token, first.ami_secret, first.web_secret_key}) == 3
    assert min(map(len, (first.nats_token, first.ami_secret, first.web_secret_key))) >= 32
    assert (tmp_path / "secrets").stat().st_mode & 0o777 == 0o700
    assert [p.stat().st_mode & 0o777 for p in (tmp_path / "secrets").iterdir()] == [0o600]


def test_many_starters_agree_on_the_same_secrets(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        assert len({load_secrets_key(s) for s in pool.map(load_secrets, [tmp_path] * 16)}) == 1
    assert [p.name for p in (tmp_path / "secrets").iterdir()] == ["secrets.json"]


def load_secrets_key(secrets: object) -> tuple[str, ...]:
    return tuple(getattr(secrets, name) for name in ("nats_token", "ami_secret", "web_secret_key"))


def test_a_wide_folder_is_narrowed(tmp_path: Path) -> None:
    (tmp_path / "secrets").mkdir(mode=0o755)
    (tmp_path / "secrets").chmod(0o755)
    load_secrets(tmp_path)
    assert (tmp_path / "secrets").stat().st_mode & 0o777 == 0o700


def test_a_damaged_file_is_named_and_not_replaced(tmp_path: Path) -> None:
    load_secrets(tmp_path)
    path = tmp_path / "secrets" / "secrets.json"
    path.write_text("{", encoding="utf-8")
    with pytest.raises(SecretsUnreadable, match=r"secrets\.json"):
        load_secrets(tmp_path)
    assert path.read_text(encoding="utf-8") == "{"


def test_settings_win_over_made_secrets(tmp_path: Path) -> None:
    secrets = effective_secrets(Settings(var=tmp_path, ami_secret="from-outside"))
    assert secrets.ami_secret == "from-outside"
    assert secrets.nats_token == load_secrets(tmp_path).nats_token


def test_secrets_do_not_show_in_logs(tmp_path: Path) -> None:
    secrets = load_secrets(tmp_path)
    assert secrets.ami_secret not in f"{secrets!r} {secrets}"
