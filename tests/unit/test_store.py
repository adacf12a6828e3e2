"""The tables, on both databases: migrations, values that come back as they went in, numbers, look-ups by index."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import threading
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import event, func, insert, select, text
from sqlalchemy.exc import IntegrityError, StatementError

from cti.domain.config.centre import CentreConfig
from cti.domain.config.routes import RouteTarget, TargetKind
from cti.domain.phones import normalise
from cti.store import demo, setup
from cti.store.config import build_config
from cti.store.models import (
    Address,
    Agent,
    Base,
    BusyReason,
    Call,
    CallNote,
    Customer,
    CustomerKey,
    CustomerPhone,
    Did,
    Menu,
    Order,
    OrderLine,
    OrderStatus,
    Product,
    Queue,
    QueueMember,
    Role,
    Trunk,
    User,
)
from cti.store.passwords import verify_password
from cti.store.switchdata import load_switch_rows
from tests.postgres import Postgres
from tests.stores import Store


def a_user(**values: Any) -> User:
    return User(**{"username": "u1", "name": "Demo", "password_hash": "x", "role": Role.AGENT} | values)


def test_the_migrations_make_exactly_the_models(store: Store) -> None:
    with store.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []


def test_migrating_again_changes_nothing(store: Store) -> None:
    assert not setup.pending(store.engine)
    setup.migrate(store.url)
    assert setup.check(store.url) == "ready"


def test_an_empty_database_wants_migrating(empty_url: str) -> None:
    assert setup.check(empty_url) == "migrate"


def test_processes_may_migrate_at_once(postgres: Postgres) -> None:
    url = postgres.new_database()
    code = "import sys; from cti.store.setup import migrate; migrate(sys.argv[1])"
    started = [subprocess.Popen([sys.executable, "-c", code, url]) for _ in range(3)]
    assert [process.wait(60) for process in started] == [0, 0, 0]
    assert setup.check(url) == "ready"


def test_a_broken_database_is_one_line_that_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "callyard.db").write_bytes(b"this is no database" * 100)
    with pytest.raises(setup.DatabaseTrouble) as caught:
        setup.migrate(f"sqlite:///{tmp_path / 'callyard.db'}")
    assert "\n" not in str(caught.value)
    assert "not a database" in str(caught.value)
    with pytest.raises(setup.DatabaseTrouble) as caught:
        setup.migrate(f"postgresql://u:geheim@/x?host={tmp_path}")
    assert "\n" not in str(caught.value)
    assert "geheim" not in str(caught.value)


def test_a_database_of_a_newer_version_is_refused(store: Store) -> None:
    with store.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(setup.DatabaseTrouble, match="9999"):
        setup.migrate(store.url)


def test_values_come_back_as_they_went_in(store: Store) -> None:
    at = datetime(2026, 11, 21, 8, 30, 0, 123456, tzinfo=UTC)
    with store.sessions() as session:
        user = a_user(name="张伟 😀 <script>")
        product = Product(code="P1", name="锅", price=Decimal("19.99"))
        customer = Customer(name="王芳", phones=[CustomerPhone(number="+8619900000001")], first_entry_at=at)
        session.add_all([user, product, customer])
        session.flush()
        line = OrderLine(product=product, quantity=3, price=product.price, amount=product.price * 3)
        session.add(Order(customer=customer, agent_user=user, lines=[line], total=Decimal("59.97"), created_at=at))
        session.commit()
    with store.sessions() as session:
        order = session.scalars(select(Order)).one()
        assert order.total == Decimal("59.97")
        assert order.created_at == at
        assert order.created_at.tzinfo is UTC
        assert order.status is OrderStatus.NEW
        assert order.lines[0].amount == Decimal("59.97")
        assert order.customer.first_entry_at == at
        assert order.agent_user.name == "张伟 😀 <script>"
        assert session.scalar(select(func.sum(Order.total))) == Decimal("59.97")
        assert (
            session.scalar(select(Order.id).where(Order.created_at >= at, Order.total > Decimal("59.96"))) == order.id
        )


def test_a_float_is_no_money_and_a_naive_time_no_time(store: Store) -> None:
    for wrong in (
        Product(code="P1", name="x", price=19.99),  # type: ignore[arg-type]
        Customer(name="x", first_entry_at=datetime(2026, 1, 1)),  # noqa: DTZ001
    ):
        with store.sessions() as session:
            session.add(wrong)
            with pytest.raises(StatementError):
                session.flush()


def test_customers_and_orders_get_running_numbers(store: Store) -> None:
    with store.sessions() as session:
        first, second = Customer(name="a"), Customer(name="b")
        session.add_all([first, second])
        session.commit()
        assert {first.number, second.number} == {100_001, 100_002}
        given = Customer(name="c", number=7)
        session.add(given)
        session.commit()
        assert given.number == 7


def test_many_customers_at_once_take_few_statements(store: Store) -> None:
    """Numbers, search keys and what webhooks are told of: one statement for all, not for each."""
    sent: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        if not statement.startswith("INSERT INTO customers "):  # SQLite takes those one by one
            sent.append(statement)

    event.listen(store.engine, "before_cursor_execute", note)
    with store.sessions() as session:
        people = [Customer(name=f"张伟{n}") for n in range(40)]
        session.add_all(people)
        session.commit()
    assert len(sent) < 10, sent
    assert [one.number for one in people] == list(range(people[0].number, people[0].number + 40))
    with store.sessions() as session:
        assert session.scalar(select(func.count()).where(CustomerKey.key == "张伟")) == 40


def test_writers_at_once_get_different_numbers(store: Store) -> None:
    failures: list[BaseException] = []

    def make() -> None:
        try:
            for _ in range(10):
                with store.sessions() as session:
                    session.add(Customer(name="x"))
                    session.commit()
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=make) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failures == []
    with store.sessions() as session:
        assert session.scalar(select(func.count(Customer.number.distinct()))) == 60


def test_the_same_order_form_twice_is_refused_by_its_token(store: Store) -> None:
    with store.sessions() as session:
        user, customer = a_user(), Customer(name="x")
        session.add_all([user, customer])
        session.flush()
        session.add(Order(customer=customer, agent_user=user, token="t1"))
        session.commit()
        session.add(Order(customer=customer, agent_user=user, token="t1"))
        with pytest.raises(IntegrityError):
            session.commit()


def test_foreign_keys_are_kept(store: Store) -> None:
    with store.sessions() as session:
        session.add(Address(customer_id=4711, line="x"))
        with pytest.raises(IntegrityError):
            session.commit()


def test_removing_a_customer_takes_phones_and_addresses_along(store: Store) -> None:
    with store.sessions() as session:
        customer = Customer(name="x", phones=[CustomerPhone(number="1")], addresses=[Address(line="y")])
        session.add(customer)
        session.commit()
        session.delete(customer)
        session.commit()
        assert session.scalar(select(func.count()).select_from(CustomerPhone)) == 0
        assert session.scalar(select(func.count()).select_from(Address)) == 0


def test_a_note_may_come_before_its_call(store: Store) -> None:
    with store.sessions() as session:
        user = a_user()
        session.add(user)
        session.flush()
        session.add(CallNote(call_id="c1", user_id=user.id, summary="想买锅"))
        session.commit()
        session.add(Call(id="c1", version=1, direction="inbound", created_at=datetime.now(UTC), document={}))
        session.commit()
    with store.sessions() as session:
        call = session.get(Call, "c1")
        assert call is not None
        assert call.note is not None
        assert call.note.summary == "想买锅"


# ---------------------------------------------------------------- look-ups at size


@pytest.fixture
def big(store: Store) -> Store:
    """Twenty thousand customers, each with a number."""
    now = datetime.now(UTC)
    with store.engine.begin() as connection:
        for at in range(0, 20_000, 10_000):
            ids = range(at + 1, at + 10_001)
            connection.execute(
                insert(Customer),
                [{"id": n, "number": n, "name": f"客户{n}", "first_entry_at": now, "updated_at": now} for n in ids],
            )
            connection.execute(
                insert(CustomerPhone), [{"customer_id": n, "number": f"+86199{n:08d}", "label": "mobile"} for n in ids]
            )
        connection.execute(text("ANALYZE"))
    return store


def plan(store: Store, statement: Any) -> str:
    compiled = str(statement.compile(store.engine, compile_kwargs={"literal_binds": True}))
    prefix = "EXPLAIN " if store.is_postgresql else "EXPLAIN QUERY PLAN "
    with store.engine.connect() as connection:
        return "\n".join(str(row) for row in connection.exec_driver_sql(prefix + compiled.replace("%", "%%")))


def test_customers_are_found_by_phone_through_an_index(big: Store) -> None:
    by_phone = select(Customer.id).join(CustomerPhone).where(CustomerPhone.number == "+8619900014321")
    shown = plan(big, by_phone)
    assert "ix_customer_phones_number" in shown, shown
    assert "Seq Scan" not in shown, shown
    assert "SCAN" not in shown, shown
    with big.sessions() as session:
        assert session.scalars(by_phone).all() == [14321]


@pytest.mark.parametrize(
    ("index", "statement"),
    [
        ("ix_calls_created_at_id", select(Call.id).order_by(Call.created_at.desc(), Call.id.desc()).limit(50)),
        ("ix_calls_number_created_at", select(Call.id).where(Call.number == "1").order_by(Call.created_at).limit(50)),
        ("ix_orders_customer_id_created_at", select(Order.id).where(Order.customer_id == 5).order_by(Order.created_at)),
        ("ix_orders_created_at_id", select(Order.id).order_by(Order.created_at.desc(), Order.id.desc()).limit(50)),
    ],
)
def test_lists_are_read_through_an_index(store: Store, index: str, statement: Any) -> None:
    if store.is_postgresql:  # an empty table is always scanned there; it is the index that is asked for
        with store.engine.connect() as connection:
            connection.execute(text("SET enable_seqscan = off"))
            connection.execute(text("SET enable_bitmapscan = off"))
            connection.execute(text("SET enable_sort = off"))
            compiled = str(statement.compile(store.engine, compile_kwargs={"literal_binds": True}))
            shown = "\n".join(str(row) for row in connection.exec_driver_sql("EXPLAIN " + compiled))
    else:
        shown = plan(store, statement)
    assert index in shown, shown


# ---------------------------------------------------------------- first administrator, demo data


def test_the_first_administrator_gets_a_one_time_password_once(store: Store) -> None:
    with store.sessions() as session:
        password = setup.ensure_admin(session)
        assert password is not None
        assert setup.ensure_admin(session) is None
    with store.sessions() as session:
        user = session.scalars(select(User)).one()
        assert (user.username, user.role, user.must_change_password) == ("admin", Role.ADMIN, True)
        assert verify_password(user.password_hash, password)
        assert not verify_password(user.password_hash, password + "x")
        assert password not in user.password_hash


def test_resetting_a_password_unlocks_and_ends_sessions(store: Store) -> None:
    with store.sessions() as session:
        session.add(a_user(failed_logins=9, locked_until=datetime(2099, 1, 1, tzinfo=UTC)))
        session.commit()
        password = setup.reset_password(session, "u1")
        user = session.scalars(select(User)).one()
        assert verify_password(user.password_hash, password)
        assert (user.failed_logins, user.locked_until, user.session_epoch) == (0, None, 1)
        with pytest.raises(LookupError):
            setup.reset_password(session, "nobody")


def test_the_demo_data_makes_a_centre_that_the_engine_accepts(store: Store) -> None:
    with store.sessions() as session:
        logins = demo.fill(session)
        assert set(logins) == {"agent1", "agent2", "agent3", "agent4", "agent5", "supervisor"}
        assert len(set(logins.values())) == 6
        assert demo.fill(session) == {}
        config = build_config(session, 5)
        rows = load_switch_rows(session)
        assert session.scalar(select(func.count()).select_from(Customer)) == 200
        assert session.scalar(select(func.count()).select_from(Product)) == 31
        assert session.scalar(select(func.count()).select_from(BusyReason)) == 5
        shared = select(CustomerPhone.number).group_by(CustomerPhone.number).having(func.count() > 1)
        assert len(session.scalars(shared).all()) == 20
        for number in session.scalars(select(CustomerPhone.number)):
            assert normalise(number) == number
            assert number.startswith("+861990000")
    assert CentreConfig.from_document(json.loads(json.dumps(config.to_document()))) == config
    assert [(queue.number, len(queue.agents)) for queue in config.queues] == [("2001", 5), ("2002", 3)]
    (menu,) = config.menus
    assert menu.options["9"] == RouteTarget(TargetKind.MENU, menu.id)
    assert menu.languages == {"9": "en"}
    assert {did.number: did.target.kind for did in config.dids} == {"8000": "menu", "8001": "queue"}
    assert [agent["number"] for agent in rows["agents"]] == ["1001", "1002", "1003", "1004", "1005", "1100"]
    assert len({a[key] for a in rows["agents"] for key in ("sip_secret", "web_secret")}) == 12
    assert rows["trunks"][0]["host"] == "127.0.0.1"


def test_what_points_nowhere_becomes_a_hang_up(store: Store) -> None:
    with store.sessions() as session:
        user = a_user(active=False)
        gone = Agent(user=user, number="1009", sip_secret="x", web_secret="y")
        queue = Queue(id="q1", number="2001", name="q", members=[QueueMember(agent=gone)])
        menu = Menu(id="m1", name="m", options={"1": {"kind": "queue", "id": "nowhere"}, "2": {"kind": "rubbish"}})
        did = Did(number="8000", target_kind=TargetKind.AGENT, target_id="nobody")
        trunk = Trunk(id="t1", name="t", host="192.0.2.1", active=False)
        session.add_all([user, gone, queue, menu, did, trunk])
        session.commit()
        config = build_config(session)
        assert load_switch_rows(session) == {"agents": [], "trunks": [], "dahdi": []}
    assert config.agents == ()
    assert config.queues[0].agents == ()
    assert set(config.menus[0].options.values()) == {RouteTarget(TargetKind.HANGUP)}
    assert config.dids[0].target == RouteTarget(TargetKind.HANGUP)
    assert config.trunks == ()


def test_sqlite_runs_so_that_several_processes_can_share_it(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'folder' / 'callyard.db'}"
    setup.migrate(url)
    with sqlite3.connect(tmp_path / "folder" / "callyard.db") as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    connection.close()


@pytest.mark.parametrize(
    ("dialled", "stored"),
    [
        ("13800138000", "+8613800138000"),
        ("013800138000", "+8613800138000"),
        ("+86 138-0013-8000", "+8613800138000"),
        ("010 6552 9988", "+861065529988"),
        ("1001", "1001"),
        ("95588", "95588"),
        ("<script>alert(1)</script>", "1"),
        ("\x00\r\n😀", ""),
        ("9" * 500, "9" * 32),
    ],
)
def test_numbers_have_one_spelling(dialled: str, stored: str) -> None:
    assert normalise(dialled) == stored
    assert normalise(stored) == stored
