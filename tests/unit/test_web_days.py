"""Hours and dates as people write them."""

from __future__ import annotations

from datetime import date

import pytest

from webui.admin.days import Days, Span, as_hours, bars, by_weekday, read_dates, read_spans, write_spans

OCTOBER = Days(date(2026, 10, 1), date(2026, 10, 7), "国庆节")


@pytest.mark.parametrize(
    ("text", "spans"),
    [
        ("", []),
        ("9-18", [("09:00", "18:00")]),
        ("13:30 – 18:00, 9：00至12:00", [("09:00", "12:00"), ("13:30", "18:00")]),
        ("22-6", [("22:00", "06:00")]),
        ("24h", [("00:00", "24:00")]),
        ("全天", [("00:00", "24:00")]),
        ("18:00-24:00", [("18:00", "24:00")]),
    ],
)
def test_times_of_a_day(text: str, spans: list[Span]) -> None:
    assert read_spans(text) == spans
    assert read_spans(write_spans(spans)) == spans


@pytest.mark.parametrize(
    "text", ["9", "9-", "x", "9-25", "9:60-10", "9-9", "24:00-06:00", "9-12 and", "9-12-18", "<b>9-12"]
)
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        read_spans(text)


def test_days_with_the_same_times_are_one_row_and_come_back() -> None:
    days = {day: [("09:00", "18:00")] for day in range(1, 6)} | {6: [("10:00", "12:00")], 7: []}
    hours = as_hours(days)
    assert hours == [
        {"days": [1, 2, 3, 4, 5], "begin": "09:00", "end": "18:00"},
        {"days": [6], "begin": "10:00", "end": "12:00"},
    ]
    assert by_weekday(hours) == days


def test_a_night_shift_is_drawn_on_both_days() -> None:
    drawn = bars({7: [("22:00", "06:00")], 1: [("09:00", "18:00")], 2: [("18:00", "00:00")]})
    assert (drawn[7], drawn[1], drawn[2], drawn[3]) == ([(1320, 120)], [(0, 360), (540, 540)], [(1080, 360)], [])


@pytest.mark.parametrize(
    "line",
    [
        "国庆节 2026-10-01 - 2026-10-07",
        "2026/10/1–2026/10/7 国庆节",
        "20261001-20261007，国庆节",
        "国庆节：2026年10月1日至7日",
        "2026年10月1日至10月7日 国庆节",
        "2026.10.01..2026.10.07 国庆节",
    ],
)
def test_a_range_of_dates(line: str) -> None:
    assert read_dates(line) == ([OCTOBER], [])


def test_single_dates_several_a_line_and_what_is_none() -> None:
    text = "2026-09-20, 2026-10-10 make-up\n\n no date here \n2026-02-30\n2026-10-07 - 2026-10-01"
    days = [Days(d, d, "make-up") for d in (date(2026, 9, 20), date(2026, 10, 10))]
    assert read_dates(text) == (days, ["no date here", "2026-02-30", "2026-10-07 - 2026-10-01"])
