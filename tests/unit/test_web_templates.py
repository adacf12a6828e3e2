"""Compiled templates are kept from one start to the next, and whatever happens to them the site starts."""

from __future__ import annotations

from pathlib import Path
from unittest import mock

import pytest
from flask import Flask

from webui.common import templates


def rendered(tmp_path: Path, source: str = "Hello {{ name }}") -> tuple[str, bool]:
    """What a site that has just started shows, and whether it compiled the template for it."""
    (tmp_path / "site").mkdir(exist_ok=True)
    (tmp_path / "site" / "page.html").write_text(source)
    app = Flask("site", template_folder=str(tmp_path / "site"))
    templates.keep(app, tmp_path / "var")
    with mock.patch.object(app.jinja_env, "compile", wraps=app.jinja_env.compile) as compile_:
        page = app.jinja_env.get_template("page.html").render(name="Demo")
    return page, compile_.called


def kept(tmp_path: Path) -> Path:
    (file,) = (tmp_path / "var/cache/templates").iterdir()
    return file


def test_a_later_start_compiles_only_what_was_changed(tmp_path: Path) -> None:
    assert rendered(tmp_path) == ("Hello Demo", True)
    assert rendered(tmp_path) == ("Hello Demo", False)
    assert rendered(tmp_path, "Bye {{ name }}") == ("Bye Demo", True)
    assert kept(tmp_path).stat().st_mode & 0o077 == 0
    assert (tmp_path / "var/cache/templates").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("cut", [0, 8, 60])
def test_a_damaged_file_is_made_anew(tmp_path: Path, cut: int) -> None:
    rendered(tmp_path)
    kept(tmp_path).write_bytes(kept(tmp_path).read_bytes()[:cut])
    assert rendered(tmp_path) == ("Hello Demo", True)
    assert rendered(tmp_path) == ("Hello Demo", False)


def test_without_a_folder_the_site_starts_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "var").write_text("no folder")
    assert rendered(tmp_path) == ("Hello Demo", True)
