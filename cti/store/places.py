"""Names of places: the shipped list, what people say of them, how two lists are joined. Must not know tables."""

from __future__ import annotations

import csv
import re
from functools import lru_cache
from pathlib import Path

SHIPPED = Path(__file__).with_name("divisions.csv")
PEOPLES = (
    "蒙古|回|藏|维吾尔|苗|彝|壮|布依|朝鲜|满|侗|瑶|白|土家|哈尼|哈萨克|傣|黎|傈僳|佤|畲|高山|拉祜|水|东乡|纳西|景颇|柯尔克孜|土|"
    "达斡尔|仫佬|羌|布朗|撒拉|毛南|仡佬|锡伯|阿昌|普米|塔吉克|怒|乌孜别克|俄罗斯|鄂温克|德昂|保安|裕固|京|塔塔尔|独龙|鄂伦春|"
    "赫哲|门巴|珞巴|基诺|各"
)  # fmt: skip
_AUTONOMOUS = re.compile(rf"(?:(?:{PEOPLES})族|蒙古|哈萨克|柯尔克孜|塔吉克|锡伯)+自治[州县旗]$")
_OF_ONE_PEOPLE = re.compile(r"族?自治[州县旗]$")
_SUFFIX = re.compile(r"(?:壮族|回族|维吾尔)?自治区$|特别行政区$|新区$|林区$|特区$|地区$|省$|市$|盟$|区$|县$|旗$")


@lru_cache(maxsize=1)
def shipped() -> tuple[dict[str, str], ...]:
    """The rows of ``divisions.csv``, each before those below it."""
    with SHIPPED.open(encoding="utf-8") as lines:
        return tuple(csv.DictReader(lines))


@lru_cache(maxsize=8192)
def stem(name: str) -> str:
    """The part of a name that people say: 广西壮族自治区 is 广西; one character alone keeps its kind (忠县)."""
    for pattern in (_AUTONOMOUS, _OF_ONE_PEOPLE, _SUFFIX):
        short = pattern.sub("", name)
        if short != name and len(short) > 1:
            return short
    return name


def key(*names: str) -> tuple[str, ...]:
    return tuple(stem(name) for name in names)
