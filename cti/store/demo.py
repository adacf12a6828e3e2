"""Demo data for an empty database: made-up people, products and numbers, the same every time but for the secrets.

Telephone numbers are of the pattern 199 0000 xxxx. Every password is random; there is no default one anywhere.
"""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from cti.domain.config.queues import Strategy
from cti.domain.config.routes import TargetKind
from cti.domain.phones import normalise
from cti.store import demo_names as names
from cti.store import demo_shop, divisions
from cti.store.initials import initials
from cti.store.models import (
    Address,
    Agent,
    Customer,
    CustomerPhone,
    Did,
    Menu,
    PhoneKind,
    Queue,
    QueueMember,
    Role,
    Sex,
    Trunk,
    User,
)
from cti.store.passwords import hash_password, random_password, random_secret

AGENTS = 5
CUSTOMERS = 200
FIRST_EXTENSION = 1001
SUPERVISOR = "1100"
"""The extension of the supervisor, who is in no queue: for listening to the others."""


def fill(session: Session) -> dict[str, str]:
    """Fill and commit; gives user name → initial password of the demo users.

    Does nothing, and gives ``{}``, when the database already holds an agent, a queue or a customer.
    """
    for table in (Agent, Queue, Customer):
        if session.scalar(select(func.count()).select_from(table)):
            return {}
    logins: dict[str, str] = {}
    divisions.fill(session)
    agents = [_agent(session, logins, n) for n in range(AGENTS)]
    _phone(session, _user(session, logins, "supervisor", "班长 Demo", Role.SUPERVISOR), SUPERVISOR)
    _centre(session, agents)
    demo_shop.fill(session)
    _customers(session)
    session.commit()
    return logins


def _user(session: Session, logins: dict[str, str], username: str, name: str, role: Role) -> User:
    logins[username] = random_password()
    user = User(username=username, name=name, role=role, password_hash=hash_password(logins[username]))
    session.add(user)
    return user


def _agent(session: Session, logins: dict[str, str], n: int) -> Agent:
    user = _user(session, logins, f"agent{n + 1}", names.AGENTS[n], Role.AGENT)
    return _phone(session, user, str(FIRST_EXTENSION + n))


def _phone(session: Session, user: User, number: str) -> Agent:
    agent = Agent(
        user=user,
        number=number,
        sip_secret=random_secret(),
        web_secret=random_secret(),
        phone=PhoneKind.WEB,
    )
    session.add(agent)
    return agent


def _centre(session: Session, agents: list[Agent]) -> None:
    orders = Queue(id="orders", number="2001", name="订购 Orders", strategy=Strategy.LONGEST_IDLE)
    service = Queue(id="service", number="2002", name="客服 Service", strategy=Strategy.LONGEST_IDLE)
    for queue, members in ((orders, agents), (service, agents[2:])):
        queue.members = [QueueMember(agent=agent) for agent in members]
    menu = Menu(
        id="main",
        name="主菜单 Main menu",
        greeting="welcome",
        prompt="menu_main",
        language="zh_CN",
        options={
            "1": {"kind": TargetKind.QUEUE, "id": orders.id},
            "2": {"kind": TargetKind.QUEUE, "id": service.id},
            "9": {"kind": TargetKind.MENU, "id": "main", "language": "en"},
        },
        otherwise_kind=TargetKind.QUEUE,
        otherwise_id=service.id,
    )
    dids = [
        Did(id="did-8000", number="8000", name="服务热线", target_kind=TargetKind.MENU, target_id=menu.id),
        Did(id="did-8001", number="8001", name="订购热线", target_kind=TargetKind.QUEUE, target_id=orders.id),
    ]
    trunk = Trunk(id="local", name="本机 This machine", host="127.0.0.1", port=0, caller_number="8000")
    session.add_all([orders, service, menu, *dids, trunk])


def _customers(session: Session) -> None:
    chance = random.Random(2)
    began = datetime(2026, 1, 5, 1, 0, tzinfo=UTC)
    for n in range(CUSTOMERS):
        surname, (given, sex) = chance.choice(names.SURNAMES), chance.choice(names.GIVEN)
        mobile = normalise(f"1990000{n + 1:04d}")
        phones = [CustomerPhone(number=mobile, label="mobile")]
        if n % 10 == 9:  # a household: this one also answers the number of the one before
            phones.append(CustomerPhone(number=normalise(f"1990000{n:04d}"), label="home"))
        session.add(
            Customer(
                name=surname + given,
                name_initials=initials(surname + given),
                sex=Sex(sex),
                birthday=date(1955, 1, 1) + timedelta(days=chance.randrange(18_000)),
                email=f"demo{n + 1}@example.com" if n % 3 == 0 else "",
                source=chance.choice(names.SOURCES),
                category=chance.choice(names.CATEGORIES),
                level=chance.choice(names.LEVELS),
                first_entry_at=began + timedelta(hours=chance.randrange(6_000)),
                phones=phones,
                addresses=_addresses(chance, surname + given, mobile),
            )
        )


def _addresses(chance: random.Random, recipient: str, phone: str) -> list[Address]:
    count = 2 if chance.random() < 0.2 else 1
    made = []
    for place in range(count):
        city, postcode = chance.choice(names.CITIES)
        made.append(
            Address(
                city=city,
                line=f"演示路 {chance.randrange(1, 300)} 号 {chance.randrange(101, 999)} 室",
                postcode=postcode,
                recipient=recipient,
                phone=phone,
                is_default=place == 0,
            )
        )
    return made
