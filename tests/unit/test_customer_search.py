"""The search box on both databases: what it finds, and that it reads no more than it needs."""

from __future__ import annotations

import phonenumbers
import pytest
from sqlalchemy import select

from cti.domain.phones import normalise
from cti.store import customer_search, duplicates
from cti.store.locations import locate
from cti.store.models import Customer, CustomerPhone
from cti.store.search_keys import keys_of
from tests.stores import Store

PEOPLE = (
    ("张伟", "13800001111", "zhang@example.com"),
    ("张伟民", "13800001112", ""),
    ("李张伟", "13900001113", ""),
    ("单志强", "0312 5551234", ""),
    ("欧阳 娜娜", "1001", ""),
    ("Mary O'Neil_50%", "+14155550123", "mary@example.com"),
    ("乐其", "", ""),
)
FINDS = {
    "张伟": ["张伟", "张伟民", "李张伟"],
    "伟民": ["张伟民"],
    "张": ["张伟", "张伟民", "李张伟"],
    "民": ["张伟民"],
    "张伟民": ["张伟民"],
    "李张伟": ["李张伟"],
    "张民": [],
    "阳娜": ["欧阳 娜娜"],
    "欧阳 娜": ["欧阳 娜娜"],
    "zw": ["张伟", "张伟民"],
    "ZWM": ["张伟民"],
    "LZW": ["李张伟"],
    "szq": ["单志强"],
    "DZQ": ["单志强"],  # as somebody may read it
    "mary": ["Mary O'Neil_50%"],
    "NEIL": ["Mary O'Neil_50%"],
    "l_5": ["Mary O'Neil_50%"],
    "%": ["Mary O'Neil_50%"],
    "_": ["Mary O'Neil_50%"],
    "l%5": [],
    "zhang@": ["张伟"],
    "zhang": ["张伟"],
    "zhang@example.com": ["张伟"],
    "@": [],
    "13800001111": ["张伟"],
    "138 0000 111": ["张伟", "张伟民"],
    "+86138": ["张伟", "张伟民"],
    "0312": ["单志强"],
    "0312-555": ["单志强"],
    "1001": ["欧阳 娜娜"],
    "+1415": ["Mary O'Neil_50%"],
    "100003": ["李张伟"],
    "": [],
    "\x00": [],
    "' OR 1": [],
    "99999999999999999999999": [],
}


def test_the_box_finds_by_everything_at_once(store: Store) -> None:
    with store.sessions() as session:
        for name, phone, mail in PEOPLE:
            phones = [CustomerPhone(number=customer_search.normalise(phone))] if phone else []
            session.add(Customer(name=name, name_initials="", email=mail, phones=phones))
            session.flush()
        session.commit()
        found = {typed: sorted(c.name for c in customer_search.find(session, typed).rows) for typed in FINDS}
        assert found == {typed: sorted(names) for typed, names in FINDS.items()}
        assert customer_search.find(session, "张伟").rows[0].name == "张伟"
        few = customer_search.find(session, "张", limit=2)
        assert (len(few.rows), few.more) == (2, True)
        renamed = session.scalars(select(Customer).where(Customer.name == "乐其")).one()
        renamed.name = "欧其"
        session.commit()
        assert [c.name for c in customer_search.find(session, "欧其").rows] == ["欧其"]
        assert customer_search.find(session, "乐其").rows == []


@pytest.mark.parametrize(
    ("name", "keys"),
    [
        ("张伟", {"张伟", "伟$", "^Z", "^ZW"}),
        ("Li Ma", {"li", "im", "ma", "a$", "^L", "^LM"}),
        ("", set()),
        ("😀", {"😀$"}),
    ],
)
def test_keys_of_a_name(name: str, keys: set[str]) -> None:
    assert keys_of(name) == keys


@pytest.mark.parametrize(
    ("number", "code", "words"),
    [
        ("010 6234 5678", "110000", "北京市"),
        ("03125551234", "130600", "河北省保定市"),
        ("0432 62123456", "220200", "吉林省吉林市"),
        ("13812345678", "320700", "江苏省连云港市"),
        ("19900000003", "", "中国"),
        ("4008001234", "", "中国"),
        ("95588", "", "工商银行"),
        ("12345", "", "政务服务热线"),
        ("+85223456789", "810000", "香港"),
        ("+14155550123", "", "美国"),
        ("1001", "", ""),
        ("garbage\x00", "", ""),
        ("+861", "", ""),
    ],
)
def test_where_a_number_is_from(number: str, code: str, words: str) -> None:
    found = locate(number)
    assert found.code == code
    assert found.text == words


def test_mobile_numbers_told_at_a_glance_are_those_that_the_tables_of_the_world_say() -> None:
    for prefix in range(100, 200):
        for number in (f"{prefix}00000000", f"+86{prefix}99999999"):
            parsed = phonenumbers.parse(number, "CN")
            valid = phonenumbers.is_valid_number(parsed)
            world = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164) if valid else number
            assert normalise(number) == world


def test_orders_are_found_by_any_part_of_a_name_of_more_than_a_character(store: Store) -> None:
    with store.sessions() as session:
        session.add_all([Customer(name=name) for name in ("王小芳", "小芳", "芳小", "Demo One", "demo two")])
        session.commit()
        for text, names in (
            ("小芳", {"王小芳", "小芳"}),
            ("王小芳", {"王小芳"}),
            ("芳", {"王小芳", "小芳", "芳小"}),
            ("DEMO", {"Demo One", "demo two"}),
            ("o t", {"demo two"}),
            ("%", set()),
        ):
            found = select(Customer.name).where(Customer.id.in_(customer_search.named_like(text)))
            assert set(session.scalars(found)) == names, text


def test_numbers_that_several_share_are_found_though_others_were_merged(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(duplicates, "CANDIDATES", 2)
    with store.sessions() as session:
        for place in range(5):
            two = [Customer(name=f"{place}{n}", phones=[CustomerPhone(number=f"+861380000000{place}")]) for n in "ab"]
            session.add_all(two)
            session.flush()
            if place in (0, 1, 3):
                two[1].merged_into_id = two[0].id
        session.commit()
        found = duplicates.sharing_a_number(session)
        assert [(number[-1], len(people)) for number, people in found] == [("2", 2), ("4", 2)]
        assert [number[-1] for number, _people in duplicates.sharing_a_number(session, limit=1)] == ["2"]
        assert [number[-1] for number, _people in duplicates.sharing_a_number(session, found[0][0])] == ["4"]
