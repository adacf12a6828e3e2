"""transfers: 100,000 rows into the lists of customers and of callback tickets by the page's own way, and out again.

Each step is what a person does: upload, columns, check, run, export. ``python -m tests.bench.transfers [rows] [url]``
prints the figures; the address is one of an empty PostgreSQL database, without it SQLite is measured.
"""

from __future__ import annotations

import gc
import io
import json
import random
import resource
import sys
import tempfile
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import xlsxwriter
from flask.testing import FlaskClient

from cti.store.models import Transfer
from tests.bench.people import GIVEN, SURNAMES
from tests.fakes.site import Site
from webui import warm_up

ROWS = 100_000
EVERY = 200  # one row of so many is wrong
DEADLINE = 1_800.0
HEADINGS = {
    "customers": ["姓名", "手机", "性别", "生日", "级别", "城市", "地址", "备注"],
    "tickets": ["电话", "姓名", "备注", "紧急"],
}


def measure_on(url: str = "", rows: int = ROWS) -> dict[str, Any]:
    """Seconds of each step, of the web process's own processor time, and by how many megabytes it grew meanwhile."""
    with tempfile.TemporaryDirectory(prefix="cyb-") as folder:
        site = Site(Path(folder), **({"database_url": url} if url else {}))
        try:
            warm_up(site.app)
            found = {name: imported(site, name, rows) for name in HEADINGS}
            return found | {"export_customers": exported(site, "customers")}
        finally:
            site.close()


def imported(site: Site, name: str, rows: int) -> dict[str, Any]:
    client = site.client("supervisor")
    content = workbook(HEADINGS[name], some(name, rows))
    steps: dict[str, Any] = {"megabytes_sent": round(len(content) / 2**20, 1)}
    with Grown() as grown:
        path, steps["read"] = step(site, client, f"/transfers/import/{name}", upload(content))
        chosen = {f"column-{place}": key for place, key in transfer(site, path).options["mapping"].items()}
        _path, steps["check"] = step(site, client, f"{path}/check", {"data": {"duplicates": "skip", **chosen}})
        _path, steps["run"] = step(site, client, f"{path}/run", {})
    end = transfer(site, path)
    assert (end.state, end.rows) == ("done", rows), (end.state, end.error)
    wrong = len(range(7, rows, EVERY))
    assert (end.made, end.wrong) == (rows - wrong, wrong), (end.made, end.changed, end.skipped, end.wrong)
    return steps | {"whole": round(sum(steps[key] for key in ("read", "check", "run")), 1), **grown.found}


def exported(site: Site, name: str) -> dict[str, Any]:
    client = site.client("supervisor")
    with Grown() as grown:
        path, seconds = step(site, client, f"/transfers/export/{name}", {})
    end = transfer(site, path)
    assert end.state == "done", end.error
    return {"rows": end.rows, "whole": seconds, **grown.found}


def step(site: Site, client: FlaskClient, path: str, sent: dict[str, Any]) -> tuple[str, float]:
    began = time.perf_counter()
    answer = client.post(path, **sent)
    assert answer.status_code == 303, answer.text[:500]
    assert site.app.extensions["callyard_transfers"].wait(DEADLINE)
    return str(answer.location), round(time.perf_counter() - began, 1)


class Grown:
    """By how much this process was larger at the most than before, in megabytes, and what processor time it took."""

    def __enter__(self) -> Grown:
        gc.collect()
        self._spent = time.process_time()
        self.most, self._before, self._end = 0, resident(), threading.Event()
        self._watch = threading.Thread(target=self._look, daemon=True)
        self._watch.start()
        return self

    def _look(self) -> None:
        while not self._end.wait(0.2):
            self.most = max(self.most, resident() - self._before)

    def __exit__(self, *_error: object) -> None:
        self._end.set()
        self._watch.join()
        self._spent = time.process_time() - self._spent

    @property
    def found(self) -> dict[str, float]:
        return {"processor": round(self._spent, 1), "grew_megabytes": self.most}


def resident() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() // 2**20


def some(name: str, rows: int) -> Iterable[list[Any]]:
    chance = random.Random(5)
    for n in range(rows):
        person = chance.choice(SURNAMES) + "".join(chance.choices(GIVEN, k=2))
        number = "none" if n % EVERY == 7 else f"1{37 if name == 'customers' else 36}{n:08d}"
        if name == "tickets":
            yield [number, person, f"第 {n} 行", "yes" if n % 10 == 0 else ""]
        else:
            yield [person, number, "female", "1980-05-06", "normal", "北京市海淀区", f"演示路 {n} 号", "旧系统"]


def workbook(headings: list[str], rows: Iterable[list[Any]]) -> bytes:
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"constant_memory": True}) as book:
        sheet = book.add_worksheet()
        for at, row in enumerate([headings, *rows]):
            sheet.write_row(at, 0, row)
    return out.getvalue()


def upload(content: bytes) -> dict[str, Any]:
    head = b'--cut\r\nContent-Disposition: form-data; name="file"; filename="list.xlsx"\r\n\r\n'
    return {"data": head + content + b"\r\n--cut--\r\n", "content_type": "multipart/form-data; boundary=cut"}


def transfer(site: Site, path: str) -> Transfer:
    with site.sessions() as session:
        return session.get_one(Transfer, path.rsplit("/", 1)[1])


if __name__ == "__main__":
    asked = sys.argv[1:]
    print(json.dumps(measure_on(asked[1] if asked[1:] else "", int(asked[0]) if asked else ROWS), indent=2))
