"""The initials of a name, by which it is found with a few Latin letters: 单志强 is SZQ, Demo Customer is DC.

Surnames are often read otherwise than the same character elsewhere, so the first one or two characters go by a table
of their own. pypinyin and its dictionaries are loaded when the first name is read. Must not know tables or pages.
"""

from __future__ import annotations

import re
from functools import lru_cache

LIMIT = 64
_PARTS = re.compile(r"[A-Za-z]+|[\u3400-\u9fff\U00020000-\U0003ffff]+")

SURNAMES = {
    "万俟": "MQ", "尉迟": "YC", "长孙": "ZS", "澹台": "TT", "单于": "CY", "宓": "M", "单": "S", "曾": "Z", "仇": "Q",
    "解": "X", "查": "Z", "朴": "P", "区": "O", "缪": "M", "盖": "G", "翟": "Z", "员": "Y", "召": "S", "覃": "Q",
    "谌": "C", "乐": "Y", "折": "S", "繁": "P", "隗": "W", "种": "C", "重": "C", "秘": "B", "冼": "X", "洗": "X",
    "藏": "Z", "黑": "H", "车": "C", "都": "D", "祭": "Z", "郇": "X", "句": "G", "粘": "N", "撒": "S", "颉": "X",
    "佴": "N", "逄": "P", "晁": "C", "郗": "X", "尹": "Y", "佘": "S", "贠": "Y", "亓": "Q", "牟": "M", "令": "L",
    "褚": "C", "石": "S", "沈": "S", "葛": "G", "贾": "J", "俞": "Y", "卜": "B", "过": "G", "任": "R", "华": "H",
}  # fmt: skip


def initials(name: str) -> str:
    """Upper-case Latin letters, one for each Chinese character and each Latin word; empty when there are none."""
    letters = []
    for place, part in enumerate(_PARTS.findall(name)):
        letters.append(part[0] if part.isascii() else _chinese(part, surname=place == 0))
    return "".join(letters).upper()[:LIMIT]


def _chinese(text: str, *, surname: bool) -> str:
    if surname:
        for length in (2, 1):
            known = SURNAMES.get(text[:length])
            if known:
                return known + first_letters(text[length:])
    return first_letters(text)


@lru_cache(maxsize=20_000)
def first_letters(text: str) -> str:
    """First letters in context; a character without a known reading is left out."""
    from pypinyin import Style, lazy_pinyin

    return "".join(lazy_pinyin(text, style=Style.FIRST_LETTER, errors="ignore"))
