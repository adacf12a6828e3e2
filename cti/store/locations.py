"""Where a telephone number is from: its area code first, then its mobile prefix, then its country. Knows no table."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import phonenumbers

from cti.domain.phones import normalise
from cti.store.places import key, shipped

SHORT = {  # whose number it is
    "110": "报警", "119": "火警", "120": "急救", "122": "交通事故",
    "114": "号码百事通", "10000": "中国电信", "10010": "中国联通", "10086": "中国移动",
    "10099": "中国广电", "11183": "EMS", "11185": "中国邮政", "12305": "邮政申诉",
    "12306": "铁路客服", "12315": "消费者投诉", "12320": "卫生热线", "12333": "人社热线",
    "12345": "政务服务热线", "12348": "法律援助", "12366": "纳税服务", "12381": "工信部",
    "95311": "中通快递", "95338": "顺丰速运", "95500": "太平洋保险", "95511": "中国平安",
    "95518": "中国人保", "95519": "中国人寿", "95528": "浦发银行", "95533": "建设银行",
    "95543": "申通快递", "95546": "韵达快递", "95554": "圆通速递", "95555": "招商银行",
    "95558": "中信银行", "95559": "交通银行", "95561": "兴业银行", "95566": "中国银行",
    "95568": "民生银行", "95580": "邮储银行", "95588": "工商银行", "95595": "光大银行",
    "95598": "国家电网", "95599": "农业银行",
}  # fmt: skip
CHINA = "中国"
MOBILE = re.compile(r"1\d{10}")


@dataclass(frozen=True, slots=True)
class Location:
    """``code`` of the division where it is known; ``text`` for people: a place, a country, or whose number it is."""

    code: str = ""
    text: str = ""
    carrier: str = ""


NOWHERE = Location()


@lru_cache(maxsize=20_000)
def locate(number: str) -> Location:
    """Where ``number``, as stored or dialled, is from. Never raises; nothing is known of our own extensions."""
    stored = normalise(number)
    if stored in SHORT:
        return Location(text=SHORT[stored])
    if not stored.startswith("+"):
        return NOWHERE
    try:
        parsed = phonenumbers.parse(stored)
    except phonenumbers.NumberParseException:
        return NOWHERE
    described = _described(parsed)
    if parsed.country_code != phonenumbers.country_code_for_region("CN"):
        return Location(_by_text().get(described, ""), described)
    national = str(parsed.national_number)
    if phonenumbers.number_type(parsed) == phonenumbers.PhoneNumberType.FIXED_LINE:
        return _fixed(national, described)
    return _mobile(national, described) if MOBILE.fullmatch(national) else Location(text=CHINA)


def division_code(province: str, city: str = "") -> str:
    """The code of a city by its usual name (江苏, 连云港), of a district's city, of the province, or empty."""
    names = _by_name()
    district = names.get((*key(province, city), ""), "")
    city_above = district[:4] + "00" if district else ""
    return names.get(key(province, city)) or city_above or names.get(key(province, province), "")


def path_code(path: str) -> str:
    """The code of a place written as on an envelope (北京市海淀区), or empty; of what it lies in, where it is not known
    itself."""
    text = "".join(path.split())[:64]
    known = _by_text()
    return next((known[text[:end]] for end in range(len(text), 1, -1) if text[:end] in known), "")


def path_of(code: str) -> str:
    """河北省保定市 for 130600; empty for a code that is not shipped."""
    return _paths().get(code, "")


def _fixed(national: str, described: str) -> Location:
    code = _by_text().get(described, "")
    for length in (3, 2):
        code = code or _by_area_code().get("0" + national[:length], "")
    return Location(code, path_of(code) or described or CHINA)


def _mobile(national: str, described: str) -> Location:
    found = _prefixes().find(national[:7])
    if not found:
        code = _by_text().get(described, "")
        return Location(code, described or CHINA)
    code = division_code(found["province"], found["city"])
    return Location(code, path_of(code) or f"{found['province']}{found['city']}", found["phone_type"] or "")


def _described(number: phonenumbers.PhoneNumber) -> str:
    from phonenumbers import geocoder  # a large table of the whole world: loaded for the first number

    return str(geocoder.description_for_number(number, "zh"))


@lru_cache(maxsize=1)
def _prefixes() -> Any:
    from phone import Phone

    return Phone()


@lru_cache(maxsize=1)
def _paths() -> dict[str, str]:
    return {row["code"]: row["province"] + row["city"] + row["district"] for row in shipped()}


@lru_cache(maxsize=1)
def _by_text() -> dict[str, str]:
    """Also as phonenumbers writes it: 新疆喀什地区, 香港."""
    found = {path: code for code, path in _paths().items()}
    for row in shipped():
        if not row["district"]:
            found.setdefault(key(row["province"])[0] + row["city"], row["code"])
    return found


@lru_cache(maxsize=1)
def _by_name() -> dict[tuple[str, ...], str]:
    found: dict[tuple[str, ...], str] = {}
    for row in shipped():
        if row["city"] and not row["district"]:
            found.setdefault(key(row["province"], row["city"]), row["code"])
        elif row["district"] and not row["city"]:
            found.setdefault(key(row["province"], row["district"]), row["code"])
        elif row["district"]:
            found.setdefault((*key(row["province"], row["district"]), ""), row["code"])
    for row in shipped():
        if not row["city"] and not row["district"]:
            found.setdefault(key(row["province"], row["province"]), row["code"])
    return found


@lru_cache(maxsize=1)
def _by_area_code() -> dict[str, str]:
    return {row["area_code"]: row["code"] for row in shipped() if row["area_code"]}
