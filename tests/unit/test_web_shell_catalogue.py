"""Every word of the site is in both languages, and what the browser libraries are is what the list says."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

import webui
from webui.common.i18n import FOLDER, load_catalogue

SITE = Path(webui.__file__).parent
IN_CONTEXT = ((1, "c"), 2)
KEYWORDS = {
    "_": None,
    "gettext": None,
    "lazy_gettext": None,
    "ngettext": (1, 2),
    "_n": (1, 2),
    "pgettext": IN_CONTEXT,
    "lazy_pgettext": IN_CONTEXT,
}
ENTRY = re.compile(r'^(?:msgctxt "(.*)"\n)?msgid "(.*)"((?:\n".*")*)', re.MULTILINE)
CATALOGUES = sorted(FOLDER.glob("*/LC_MESSAGES/*.po"))
FILES = [("**.py", "python"), ("templates/**.html", "jinja2.ext:babel_extract")]
PLACE = re.compile(r"%\((\w+)\)s|\{(\w+)\}")


def words() -> dict[tuple[str | None, str], str]:
    """Each text with its context, and a file it stands in."""
    found = {}
    for file, _line, message, _comments, context in extract_from_dir(
        SITE, FILES, keywords=KEYWORDS, directory_filter=lambda path: "node_modules" not in str(path)
    ):
        for text in (message,) if isinstance(message, str) else message:
            found.setdefault((context, text), file)
    return found


def test_every_word_is_also_in_chinese() -> None:
    chinese = load_catalogue(FOLDER, "zh_CN")
    same = {"SIP", "IVR", "ID", "URL", "OK", "CSV"}
    missing = {
        (context, text): file
        for (context, text), file in words().items()
        if (chinese.pgettext(context, text) if context else chinese.gettext(text)) == text and text not in same
    }
    assert not missing


def test_a_word_with_two_meanings_has_a_context_for_each() -> None:
    chinese = load_catalogue(FOLDER, "zh_CN")
    assert chinese.gettext("Order") == "订单"
    assert chinese.pgettext("sequence", "Order") == "顺序"


def test_each_word_stands_in_one_catalogue_only() -> None:
    stands: dict[tuple[Path, str, str], list[str]] = {}
    for path in CATALOGUES:
        for context, *parts in ENTRY.findall(path.read_text()):
            word = "".join(parts)
            if word:
                stands.setdefault((path.parent, context, word), []).append(path.name)
    assert not {key[1:]: files for key, files in stands.items() if len(files) > 1}


@pytest.mark.parametrize("path", CATALOGUES, ids=lambda path: path.stem)
def test_translations_keep_the_places_of_the_source(path: Path) -> None:
    with path.open("rb") as source:
        catalogue = read_po(source)
    for message in catalogue:
        if message.id and isinstance(message.id, str) and message.string:
            assert sorted(PLACE.findall(message.id)) == sorted(PLACE.findall(str(message.string))), message.id


def test_shipped_libraries_are_those_of_the_list() -> None:
    vendor = SITE / "static" / "vendor"
    listed = dict(reversed(line.split("  ")) for line in (vendor / "SHA256SUMS").read_text().splitlines())
    present = {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in vendor.iterdir() if p.name != "SHA256SUMS"}
    assert present == listed
    licences = (vendor / "LICENCES.txt").read_text()
    for library in ("jssip", "htmx.org", "@alpinejs/csp", "@tabler/core", "@tabler/icons", "echarts"):
        assert f"{library} " in licences


def test_the_lock_file_names_no_host() -> None:
    lock = (SITE / "assets" / "package-lock.json").read_text()
    assert "://" not in lock


def test_no_page_reaches_out_to_another_host() -> None:
    for file in [*SITE.glob("templates/**/*.html"), *SITE.glob("static/js/*.js"), *SITE.glob("static/css/*.css")]:
        hosts = set(re.findall(r"https?://([\w.-]+)", file.read_text())) - {"www.w3.org"}
        assert not hosts, file


def test_templates_hold_no_inline_script_or_handler() -> None:
    for file in SITE.glob("templates/**/*.html"):
        text = file.read_text()
        scripts = re.findall(r"<script\b(?![^>]*\bsrc=)(?![^>]*application/json)", text)
        assert not scripts, file
        assert not re.search(r"\son\w+=\"|javascript:|\sstyle=", text), file
