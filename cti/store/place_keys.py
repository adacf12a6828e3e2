"""The letters by which a place is found: initials and pinyin of its path. Must not know tables.

pypinyin and its dictionaries are loaded when the first name is read.
"""

from __future__ import annotations

from cti.store.places import stem

READINGS = {  # where pypinyin reads a place otherwise than its people do
    "六合": "lu he", "单县": "shan xian",
    "浚县": "xun xian", "洪洞": "hong tong", "繁峙": "fan shi", "涡阳": "guo yang",
    "大城": "dai cheng",
    "什邡": "shi fang", "荥经": "ying jing", "筠连": "jun lian", "闵行": "min hang", "伽师": "jia shi",
    "漯河": "luo he",
    "宕昌": "tan chang", "称多": "chen duo", "浪卡子": "lang ka zi", "南乐": "nan le", "民乐": "min le",
    "静乐": "jing le", "马尾": "ma wei", "泊头": "bo tou", "曾都": "zeng du", "蚌山": "beng shan", "召陵": "shao ling",
    "龙圩": "long xu", "长子": "zhang zi",
}  # fmt: skip
ALWAYS = {"长": "chang", "都": "du", "勒": "le"}


def syllables(name: str) -> list[str]:
    from pypinyin import Style, lazy_pinyin

    short = stem(name)
    if known := READINGS.get(short):
        return known.split()
    read = lazy_pinyin(name, style=Style.NORMAL, errors="ignore")[: len(short)]
    return [ALWAYS.get(character, sound) for character, sound in zip(short, read, strict=False)]


def initials(*names: str) -> str:
    return "".join(part[0] for name in names for part in syllables(name)).upper()


def keys(names: tuple[str, ...]) -> str:
    """What the division is found by, blank-separated: initials and pinyin of its path, with or without those above."""
    paths = [names[at:] for at in range(len(names))]
    if len(names) == 3:
        paths.append((names[0], names[2]))
    made = [initials(*path) for path in paths]
    made += ["".join("".join(syllables(name)) for name in path).upper() for path in paths[:3]]
    return f" {' '.join(dict.fromkeys(made))} "
