"""Moments in the centre's time zone, in which hours, holidays and overrides are meant. Must not know calendars."""

from __future__ import annotations

from datetime import datetime, time, timedelta, tzinfo

from flask import current_app

from cti.settings import Settings


def centre_zone() -> tzinfo:
    settings: Settings = current_app.extensions["callyard_settings"]
    return settings.timezone


def zone_name() -> str:
    return str(centre_zone())


def written(at: float | None) -> str:
    """``2026-11-22 09:00``; empty for none."""
    return "" if at is None else datetime.fromtimestamp(at, centre_zone()).strftime("%Y-%m-%d %H:%M")


def read(text: str) -> datetime | None:
    """A moment as ``datetime-local`` fields send it; ``None`` for what is none."""
    try:
        return datetime.fromisoformat(text.strip()[:19]).replace(tzinfo=centre_zone())
    except ValueError:
        return None


def end_of_day(at: float) -> datetime:
    today = datetime.fromtimestamp(at, centre_zone()).date()
    return datetime.combine(today + timedelta(days=1), time(), centre_zone())
