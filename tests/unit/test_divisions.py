"""Places found with few keys, on both databases; the shipped list itself."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from cti.store import divisions
from cti.store.models import Division
from cti.store.places import shipped, stem
from tests.stores import Store


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
class TestFinding:
    CASES = (
        ("BJHD", "北京市海淀区"),
        ("bjhd", "北京市海淀区"),
        ("BJ", "北京市"),
        ("sh", "上海市"),
        ("hbbdjx", "河北省保定市竞秀区"),
        ("BDJX", "河北省保定市竞秀区"),
        ("XJSHZ", "新疆维吾尔自治区石河子市"),
        ("CQYZ", "重庆市渝中区"),
        ("changchun", "吉林省长春市"),
        ("haidian", "北京市海淀区"),
        ("100080", "北京市海淀区"),
        ("100081", "北京市海淀区"),
        ("100000", "北京市"),
        ("071000", "河北省保定市"),
        ("海淀", "北京市海淀区"),
        ("北京 海淀", "北京市海淀区"),
        ("重庆渝中", "重庆市渝中区"),
        ("保定", "河北省保定市"),
        ("朝阳区", "北京市朝阳区"),
    )

    def test_what_was_typed_brings_the_place_first(self, request: pytest.FixtureRequest, database: str) -> None:
        for store in migrated(request, database):
            with store.sessions() as session:
                wrong = {}
                for typed, wanted in self.CASES:
                    found = divisions.find(session, typed, 5)
                    if not found or found[0].path != wanted:
                        wrong[typed] = [row.path for row in found]
                assert wrong == {}
                for nothing in ("", " ", "%", "_", "\x00", "QQQQ", "9" * 300, "00", "BJ1", "海%淀x😀", "'"):
                    assert len(divisions.find(session, nothing, 5)) <= 5
                assert divisions.find(session, "%", 5) == []
                assert len(divisions.find(session, "B", 7)) == 7
                assert divisions.fill(session) == 0


def migrated(request: pytest.FixtureRequest, database: str) -> Iterator[Store]:
    """A database that only migrations have filled."""
    if database == "sqlite":
        url = f"sqlite:///{request.getfixturevalue('migrated_file')}"
    else:
        server = request.getfixturevalue("postgres")
        url = server.new_database(request.getfixturevalue("migrated_template"))
    from cti.store.database import make_engine, make_session_factory

    engine = make_engine(url)
    try:
        yield Store(url, engine, make_session_factory(engine))
    finally:
        engine.dispose()


def test_the_shipped_list_is_whole_and_fits_the_table() -> None:
    rows = shipped()
    codes = {row["code"] for row in rows}
    assert len(codes) == len(rows) > 3_200
    limits = {column.name: column.type.length for column in Division.__table__.columns}  # type: ignore[attr-defined]
    for row in rows:
        assert set(row) == set(limits)
        assert all(len(value) <= limits[name] for name, value in row.items()), row
        assert row["code"].isdigit()
        assert row["postcode"] == "" or (row["postcode"].isdigit() and len(row["postcode"]) == 6), row
        assert f" {row['initials']} " in row["keys"]
        assert row["name"] == (row["district"] or row["city"] or row["province"])
    assert sum(1 for row in rows if row["district"] and not row["postcode"]) < 15


@pytest.mark.parametrize(
    ("name", "short"),
    [
        ("广西壮族自治区", "广西"),
        ("内蒙古自治区", "内蒙古"),
        ("延边朝鲜族自治州", "延边"),
        ("双江拉祜族佤族布朗族傣族自治县", "双江"),
        ("东乡族自治县", "东乡"),
        ("海淀区", "海淀"),
        ("忠县", "忠县"),
        ("大兴安岭地区", "大兴安岭"),
    ],
)
def test_what_people_say_of_a_place(name: str, short: str) -> None:
    assert stem(name) == short
