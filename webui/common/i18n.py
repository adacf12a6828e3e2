"""Languages, time zones and how times, numbers and money are written for this user.

Source strings are English. Every ``*.po`` below ``webui/translations/<locale>/LC_MESSAGES`` is read at start and merged
into one catalogue, so features keep their own file and nothing needs compiling.
"""

from __future__ import annotations

import io
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache, lru_cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations
from flask import Flask, has_request_context, request, session
from flask_babel import Babel, Domain, format_datetime, get_locale
from flask_login import current_user

LOCALES = {"en": "English", "zh_CN": "中文"}
DEFAULT_LOCALE = "en"
DEFAULT_TIMEZONE = "Asia/Shanghai"
COOKIE_KEY = "locale"
FOLDER = Path(__file__).resolve().parent.parent / "translations"


class Catalogue(Domain):  # type: ignore[misc]
    """All ``.po`` files of a locale as one set of translations."""

    def __init__(self, folder: Path = FOLDER) -> None:
        super().__init__(str(folder))
        self._loaded = {name: load_catalogue(folder, name) for name in LOCALES}

    def get_translations(self) -> NullTranslations:
        return self._loaded[current_locale()]


@lru_cache(maxsize=8)
def load_catalogue(folder: Path, locale: str) -> NullTranslations:
    """Read and merge the catalogues of ``locale``; none gives the source strings."""
    merged: Translations | None = None
    for path in sorted((folder / locale / "LC_MESSAGES").glob("*.po")):
        with path.open("rb") as source:
            catalogue = read_po(source, locale=locale)
        compiled = io.BytesIO()
        write_mo(compiled, catalogue)
        compiled.seek(0)
        part = Translations(compiled, domain=path.stem)
        if merged is None:
            merged = part
        else:
            merged._catalog.update({k: v for k, v in part._catalog.items() if k})
    return merged or NullTranslations()


def choose_locale() -> str:
    """The user's own language; before the login the one picked there, else the browser's."""
    if not has_request_context():
        return DEFAULT_LOCALE
    if current_user and current_user.is_authenticated and current_user.locale in LOCALES:
        return str(current_user.locale)
    if session.get(COOKIE_KEY) in LOCALES:
        return str(session[COOKIE_KEY])
    best = request.accept_languages.best_match(["zh", "zh-CN", "en"]) or DEFAULT_LOCALE
    return "zh_CN" if best.startswith("zh") else DEFAULT_LOCALE


def current_locale() -> str:
    """``en`` or ``zh_CN``, whichever this page is in."""
    locale = get_locale()
    return "zh_CN" if locale is not None and locale.language == "zh" else DEFAULT_LOCALE


def choose_timezone() -> str:
    if has_request_context() and current_user and current_user.is_authenticated:
        return valid_timezone(current_user.timezone)
    return DEFAULT_TIMEZONE


@cache
def known_timezones() -> frozenset[str]:
    """Read once: the list stands in hundreds of files."""
    return frozenset(available_timezones())


def valid_timezone(name: str | None) -> str:
    return name if name and name in known_timezones() else DEFAULT_TIMEZONE


def as_datetime(value: datetime | float | int | None) -> datetime | None:
    """Epoch seconds or a datetime (naive means UTC) as an aware datetime."""
    if value is None:
        return None
    if isinstance(value, int | float):
        return datetime.fromtimestamp(value, UTC)
    return value if value.tzinfo else value.replace(tzinfo=UTC)


def localtime(value: datetime | float | int | None, pattern: str = "yyyy-MM-dd HH:mm:ss") -> str:
    """A moment in the user's zone, sortable; empty for None."""
    moment = as_datetime(value)
    return format_datetime(moment, pattern) if moment else ""


def to_utc(local: datetime) -> datetime:
    """A naive moment as the user typed it, as UTC."""
    return local.replace(tzinfo=ZoneInfo(choose_timezone())).astimezone(UTC)


def duration(seconds: float | int | None) -> str:
    """``75`` as ``1:15``; ``3675`` as ``1:01:15``."""
    if seconds is None:
        return ""
    minutes, rest = divmod(max(0, int(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def money(amount: Decimal | None) -> str:
    return "" if amount is None else f"{amount:,.2f}"


def install(app: Flask) -> None:
    catalogue = Catalogue()
    babel = Babel(
        app,
        default_locale=DEFAULT_LOCALE,
        default_timezone=DEFAULT_TIMEZONE,
        locale_selector=choose_locale,
        timezone_selector=choose_timezone,
        default_translation_directories=str(FOLDER),
    )
    babel.domain_instance = catalogue
    filters: dict[str, Any] = {"localtime": localtime, "duration": duration, "money": money}
    app.jinja_env.filters.update(filters)
