"""Lists to files and back: what leaves is inert and masked; what comes in is checked, and never half stored."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
from flask.testing import FlaskClient
from python_calamine import CalamineWorkbook
from sqlalchemy import func, select

from cti.store.models import Customer, CustomerPhone, CustomField, Order, Product, Setting, Transfer, User, utc_now
from tests.fakes.site import Site
from tests.pages import audited, body, browser, statuses
from webui.transfers import importing, reader
from webui.transfers.runner import SILENCE, Stopped

DEADLINE = 60
PRODUCTS = ["编码", "名称", "价格", "在售"]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    made = Site(tmp_path_factory.mktemp("site"))
    yield made
    made.close()


def workbook(*rows: list[Any]) -> bytes:
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True}) as book:
        sheet = book.add_worksheet()
        for at, row in enumerate(rows):
            sheet.write_row(at, 0, row)
    return out.getvalue()


def settled(site: Site) -> None:
    assert site.app.extensions["callyard_transfers"].wait(DEADLINE)


def upload(client: FlaskClient, name: str, content: bytes, file_name: str) -> Any:
    head = f'--cut\r\nContent-Disposition: form-data; name="file"; filename="{file_name}"\r\n\r\n'.encode()
    whole = head + content + b"\r\n--cut--\r\n"
    kind = "multipart/form-data; boundary=cut"
    return client.post(f"/transfers/import/{name}", data=whole, content_type=kind)


def send(site: Site, name: str, content: bytes, file_name: str = "list.xlsx", user: str = "supervisor") -> str:
    answer = upload(browser(site, user), name, content, file_name)
    assert answer.status_code == 303, answer.text[:400]
    settled(site)
    return str(answer.location)


def go(site: Site, path: str, user: str = "supervisor", **data: str) -> Any:
    answer = browser(site, user).post(path, data=data)
    settled(site)
    return answer


def transfer(site: Site, path: str) -> Transfer:
    with site.sessions() as session:
        return session.get_one(Transfer, path.rsplit("/", 1)[1])


def imported(site: Site, name: str, content: bytes, duplicates: str = "skip", **more: Any) -> str:
    """The whole way with the columns as guessed; the address of the transfer."""
    path = send(site, name, content, **more)
    chosen = {f"column-{place}": key for place, key in transfer(site, path).options["mapping"].items()}
    assert go(site, f"{path}/check", duplicates=duplicates, **chosen).status_code == 303
    assert transfer(site, path).state == "checked", transfer(site, path).error
    assert go(site, f"{path}/run").status_code == 303
    assert transfer(site, path).state == "done"
    return path


def counts(site: Site, path: str) -> tuple[int, int, int, int]:
    found = transfer(site, path)
    return found.made, found.changed, found.skipped, found.wrong


def sheet_of(client: FlaskClient, path: str, tmp: Path) -> list[list[Any]]:
    answer = client.get(path)
    assert answer.status_code == 200
    file = tmp / "got.xlsx"
    file.write_bytes(answer.data)
    answer.close()
    return CalamineWorkbook.from_path(str(file)).get_sheet_by_index(0).to_python()


def exported(site: Site, name: str, user: str, tmp: Path, **args: str) -> list[list[Any]]:
    answer = browser(site, user).post(f"/transfers/export/{name}", data=args)
    assert answer.status_code == 303
    settled(site)
    assert transfer(site, answer.location).state == "done", transfer(site, answer.location).error
    return sheet_of(browser(site, user), f"{answer.location}/file", tmp)


# ---------------------------------------------------------------- what leaves


def test_formulas_leave_as_text_and_phones_as_text(site: Site, tmp_path: Path) -> None:
    evil = '=HYPERLINK("http://x","y")'
    with site.sessions() as session:
        session.add(Customer(name=evil, remarks="@SUM(1)", phones=[CustomerPhone(number="+8613800138000")]))
        session.commit()
    rows = exported(site, "customers", "supervisor", tmp_path)
    row = next(row for row in rows if row[1] == evil)
    assert row[2] == "13800138000"
    with zipfile.ZipFile(tmp_path / "got.xlsx") as archive:
        sheet = archive.read("xl/worksheets/sheet1.xml").decode()
        assert "<f>" not in sheet
        assert 'quotePrefix="1"' in archive.read("xl/styles.xml").decode()
    with site.sessions() as session:
        assert len(rows) - 1 == session.scalar(select(func.count()).select_from(Customer))
    entry = audited(site, "list.export")[-1]
    assert (entry.after["list"], entry.after["rows"], entry.username) == ("customers", len(rows) - 1, "supervisor")
    assert audited(site, "list.download")[-1].object == entry.object


def test_who_may_not_see_numbers_exports_them_masked(site: Site, tmp_path: Path) -> None:
    site.set_user("agent3", rights={"lists.export": True})
    rows = exported(site, "customers", "agent3", tmp_path)
    phones = [row[2] for row in rows[1:] if row[2]]
    assert phones
    assert all("****" in phone for phone in phones)


def test_an_export_holds_what_the_list_shows_and_the_user_may_see(site: Site, tmp_path: Path) -> None:
    with site.sessions() as session:
        customer = session.scalars(select(Customer.id)).first()
        for username in ("agent2", "agent4"):
            user = session.scalars(select(User.id).where(User.username == username)).one()
            session.add(Order(customer_id=customer, agent_user_id=user, total=Decimal("12.50"), remarks=username))
        session.commit()
    site.set_user("agent4", rights={"lists.export": True})
    own = exported(site, "orders", "agent4", tmp_path)
    assert [row[own[0].index("Remarks")] for row in own[1:]] == ["agent4"]
    assert own[1][own[0].index("Total")] == 12.5
    assert len(exported(site, "orders", "supervisor", tmp_path)) >= 3
    assert len(exported(site, "orders", "supervisor", tmp_path, since="2099-01-01")) == 1
    for name in ("calls", "products", "tickets"):
        assert exported(site, name, "supervisor", tmp_path)[0]


def test_an_export_beyond_the_limit_says_so(site: Site) -> None:
    with site.sessions() as session:
        session.add(Setting(key="lists", value={"export_rows": 100}))
        session.add_all(Customer(name=f"many {n}") for n in range(110))
        session.commit()
    answer = go(site, "/transfers/export/customers")
    assert "More than 100 rows" in body(browser(site, "supervisor"), answer.location)
    with site.sessions() as session:
        session.delete(session.get_one(Setting, "lists"))
        session.commit()


# ---------------------------------------------------------------- what comes in


def test_customers_come_in_are_recognised_and_changed(site: Site, tmp_path: Path) -> None:
    with site.sessions() as session:
        names = {"en": "Size", "zh_CN": "尺码"}
        session.add(CustomField(subject="customer", key="size", names=names, kind="number"))
        session.commit()
    head = ["姓名", "手机", "性别", "生日", "级别", "城市", "地址", "Size", "other"]
    rows = [
        ["周杰", 13900001111, "Female", "1990-02-03", "VIP", "北京市", "朝阳路 1 号", 38, "x"],
        ["=1+1", "139 0000 2222", "", "", "", "", "", "", ""],
        ["", 13900003333.0, "", "", "", "", "", "", ""],
        ["Bad", "no phone", "neither", "1990-13-40", "emperor", "", "", "big", ""],
        ["周杰二", "+86 139-0000-1111", "", "", "", "", "", "", ""],
    ]
    path = imported(site, "customers", workbook(head, *rows))
    assert counts(site, path) == (2, 0, 1, 2)
    with site.sessions() as session:
        made = session.scalars(select(Customer).where(Customer.name == "周杰")).one()
        assert [p.number for p in made.phones] == ["+8613900001111"]
        assert (made.sex, str(made.birthday), made.level, made.custom) == ("female", "1990-02-03", "vip", {"size": 38})
        assert (made.addresses[0].line, made.addresses[0].is_default) == ("朝阳路 1 号", True)
        assert session.get_one(User, made.owner_user_id).username == "supervisor"
    wrong = sheet_of(browser(site, "supervisor"), f"{path}/wrong", tmp_path)
    assert [row[0] for row in wrong[1:]] == [4.0, 5.0]
    assert wrong[1][1] == "Customer name is missing"
    for word in ("phone number", "Sex", "date", "Level", "Size"):
        assert word in wrong[2][1]
    assert wrong[2][2] == "Bad"
    again = imported(site, "customers", workbook(["姓名", "手机", "备注"], ["周杰", "13900001111", "new"]), "update")
    assert counts(site, again) == (0, 1, 0, 0)
    entry = audited(site, "customer.change")[-1]
    assert entry.after == {"remarks": "new"}
    twice = imported(site, "customers", workbook(["姓名", "手机"], ["周杰", "13900001111"]), "new")
    assert counts(site, twice) == (1, 0, 0, 0)


def test_products_come_in_as_csv_of_excel(site: Site) -> None:
    lines = ["编码,名称,价格,在售", "new-1,新品,1280.50,是", "NEW-1,twice,9,否", "x,y,-1,是", "z,z,1.234,perhaps"]
    path = imported(site, "products", "\r\n".join(lines).encode("gb18030"), "update", file_name="goods.csv")
    assert counts(site, path) == (1, 1, 0, 2)
    with site.sessions() as session:
        product = session.scalars(select(Product).where(Product.code == "new-1")).one()
        assert (product.name, product.price, product.active) == ("twice", Decimal("9.00"), False)


def test_nothing_is_stored_before_the_user_says_so(site: Site) -> None:
    path = send(site, "products", workbook(PRODUCTS, ["later", "Later", 5, "yes"]))
    chosen = {f"column-{place}": key for place, key in transfer(site, path).options["mapping"].items()}
    go(site, f"{path}/check", duplicates="skip", **chosen)
    page = body(browser(site, "supervisor"), path)
    assert "Import now" in page
    assert "Later" in page
    with site.sessions() as session:
        assert session.scalars(select(Product).where(Product.code == "later")).first() is None
    assert go(site, f"{path}/stop").status_code == 303
    assert transfer(site, path).state == "cancelled"
    assert go(site, f"{path}/run").status_code == 409


def test_the_columns_are_remembered_and_checked(site: Site) -> None:
    path = send(site, "products", workbook(["one", "two", "three"], ["c-7", "Seven", 7]))
    assert transfer(site, path).options["mapping"] == {}
    twice = go(site, f"{path}/check", duplicates="skip", **{"column-0": "code", "column-1": "code"})
    assert twice.status_code == 422
    assert "Chosen twice" in twice.text
    missing = go(site, f"{path}/check", duplicates="skip", **{"column-0": "code", "column-1": "name"})
    assert "nothing can be imported: Price" in missing.text
    chosen = {"column-0": "code", "column-1": "name", "column-2": "price"}
    assert go(site, f"{path}/check", duplicates="skip", **chosen).status_code == 303
    later = send(site, "products", workbook(["Two", "ONE", "three"], ["Eight", "c-8", 8]))
    assert transfer(site, later).options["mapping"] == {"0": "name", "1": "code", "2": "price"}


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_an_import_that_was_interrupted_goes_on_where_it_was(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "PORTION", 2)
    path = send(site, "products", workbook(PRODUCTS, *([f"go-{n}", f"Go {n}", n, "yes"] for n in range(7))))
    chosen = {f"column-{place}": key for place, key in transfer(site, path).options["mapping"].items()}
    go(site, f"{path}/check", duplicates="skip", **chosen)
    passed: list[int] = []

    def killed(_transfer: Any) -> None:
        passed.append(1)
        if len(passed) == 3:
            raise SystemExit  # as when the process ends: nobody writes the state

    with monkeypatch.context() as patch:
        patch.setattr(importing, "go_on", killed)
        go(site, f"{path}/run")
    assert (transfer(site, path).state, transfer(site, path).done) == ("running", 4)
    with site.sessions() as session:
        session.get_one(Transfer, path.rsplit("/", 1)[1]).seen_at = utc_now() - SILENCE - timedelta(seconds=1)
        session.commit()
    assert "restarted meanwhile" in body(browser(site, "supervisor"), path)
    assert go(site, f"{path}/again").status_code == 303
    assert (transfer(site, path).state, counts(site, path)) == ("done", (7, 0, 0, 0))
    with site.sessions() as session:
        assert session.scalar(select(func.count()).where(Product.code.startswith("go-"))) == 7


def test_a_stop_keeps_what_was_stored(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "PORTION", 1)
    path = send(site, "products", workbook(PRODUCTS, *([f"st-{n}", f"St {n}", n, "yes"] for n in range(4))))
    chosen = {f"column-{place}": key for place, key in transfer(site, path).options["mapping"].items()}
    go(site, f"{path}/check", duplicates="skip", **chosen)
    asked: list[int] = []

    def stopped(_transfer: Any) -> None:
        asked.append(1)
        if len(asked) > 2:
            raise Stopped

    monkeypatch.setattr(importing, "go_on", stopped)
    go(site, f"{path}/run")
    assert (transfer(site, path).state, transfer(site, path).made) == ("cancelled", 2)
    with site.sessions() as session:
        assert session.scalar(select(func.count()).where(Product.code.startswith("st-"))) == 2


# ---------------------------------------------------------------- files that are none


def bomb() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b"0" * (25 * 1024 * 1024))
    return out.getvalue()


def cut(content: bytes) -> bytes:
    return content[: len(content) // 2]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "no row below"),
        (b"PK\x03\x04 not really", "can be read"),
        (cut(workbook(["a"], ["b"])), "can be read"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"x" * 600, "can be read"),
        (workbook(["only", "headings"]), "no row below"),
        (bomb(), "unpacks to far more"),
        (b"a,b\n" + b"," * 300 + b"x\n", "more than 200 columns"),
        ("编码,名称\n1,2\n".encode("utf-16") + b"\x00", "can be read"),
    ],
)
def test_a_file_that_cannot_be_read_says_why(site: Site, content: bytes, said: str) -> None:
    path = send(site, "products", content)
    assert transfer(site, path).state == "failed"
    assert said in body(browser(site, "supervisor"), path)


def test_too_many_rows_and_too_large_files_are_refused(site: Site, tmp_path: Path) -> None:
    source, target = tmp_path / "in.csv", tmp_path / "out.jsonl"
    source.write_text("a\n" + "1\n" * 11)
    with pytest.raises(reader.Refused, match="rows"):
        reader.convert(source, target, 10)
    assert reader.convert(source, target, 11) == 11
    large = b"x" * (3 * 1024 * 1024)
    assert upload(browser(site, "agent1"), "products", large, "x.csv").status_code == 403
    with site.sessions() as session:
        session.add(Setting(key="lists", value={"file_megabytes": 1}))
        session.commit()
    assert upload(browser(site, "supervisor"), "products", large, "x.csv").status_code == 413
    with site.sessions() as session:
        session.delete(session.get_one(Setting, "lists"))
        session.commit()


def test_a_file_larger_than_other_forms_may_be_is_taken(site: Site) -> None:
    path = send(site, "products", b"a,b\n" + (b"x" * 900 + b",1\n") * 3000, "large.csv")
    assert (transfer(site, path).state, transfer(site, path).rows) == ("mapping", 3000)


# ---------------------------------------------------------------- rights


def test_who_may_do_what(site: Site) -> None:
    site.set_user("agent2", rights={})
    assert statuses(site, "GET", "/transfers/import/customers") == {
        "nobody": 302,
        "agent2": 403,
        "supervisor": 200,
        "admin": 200,
    }
    assert statuses(site, "POST", "/transfers/export/customers")["agent2"] == 403
    settled(site)
    boss = browser(site, "supervisor")
    assert boss.get("/transfers/import/payments").status_code == 403
    assert boss.get("/transfers/import/nothing").status_code == 404
    path = send(site, "products", workbook(PRODUCTS, ["r", "R", 1, "yes"]))
    assert browser(site, "admin").get(path).status_code == 403
    assert browser(site, "admin").post(f"{path}/run").status_code == 403
    assert boss.get("/transfers/unknown").status_code == 404
    assert boss.get(f"{path}/file").status_code == 409
    page = body(boss, "/transfers")
    assert re.search(r"/transfers/import/customers", page)
    assert "/transfers/import/payments" not in page
