"""What the first start makes: tables, the first administrator, demo data, the switch's configuration.

Every step may be repeated; what exists stays. Database trouble becomes one line that says what to do.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from cti.provision.apt import Progress, ProvisionFailed
from cti.provision.asterisk import AsteriskInstallation
from cti.provision.freeswitch import FreeSwitchInstallation, asterisk_music, prepare_freeswitch_home
from cti.provision.home import prepare_home
from cti.provision.secrets import secrets_dir
from cti.settings import Settings
from cti.switch_settings import SwitchSettings

if TYPE_CHECKING:
    from dialplan.render import Rows

Installation = AsteriskInstallation | FreeSwitchInstallation
ADMIN_NAME = "admin"


@dataclass(frozen=True, slots=True)
class FirstRun:
    """``admin_password`` until it was shown once; ``demo_logins`` is the file of the demo people's passwords."""

    admin_name: str = ADMIN_NAME
    admin_password: str | None = None
    demo_logins: Path | None = None


def prepare_database(settings: Settings, say: Progress) -> FirstRun:
    """Bring the tables up to date, fill an empty database. Raises ``ProvisionFailed``."""
    from cti.store.database import make_engine, make_session_factory
    from cti.store.demo import fill
    from cti.store.setup import ensure_admin

    migrate_database(settings)
    secrets = secrets_dir(settings.var)
    with database_trouble(settings):
        engine = make_engine(settings.database)
        try:
            with make_session_factory(engine)() as session:
                if password := ensure_admin(session, ADMIN_NAME):
                    _write_private(secrets / "first-admin", f"{password}\n")
                if settings.demo and (logins := fill(session)):
                    _write_private(secrets / "demo-logins", "".join(f"{n} {p}\n" for n, p in logins.items()))
                    say("database: filled with demo data")
        finally:
            engine.dispose()
    return FirstRun(
        admin_password=_read(secrets / "first-admin"),
        demo_logins=path if (path := secrets / "demo-logins").exists() else None,
    )


def forget_first_password(settings: Settings) -> None:
    """It was shown: it is not shown again."""
    (secrets_dir(settings.var) / "first-admin").unlink(missing_ok=True)


def prepare_switch(switch: SwitchSettings, installation: Installation, rows: Rows) -> None:
    """Folders, music and configuration of a switch of our own, before its start."""
    from dialplan.which import apply

    if isinstance(installation, AsteriskInstallation):
        prepare_home(switch, installation)
    else:
        prepare_freeswitch_home(switch, asterisk_music(switch))
    apply(switch, rows)


def prepare_boards(settings: Settings, boards: Sequence[SwitchSettings], say: Progress) -> None:
    """Folders, a dial plan for a simulated board that has none, a gateway's trunk. Raises ``ProvisionFailed``."""
    from cards.host.simulated import EXTENSIONS, RECORDERS, TRUNKS
    from cards.pri.e1 import TIMESLOTS
    from cti.store.boards import TrunkTaken, ensure_demo_plan, ensure_gateway_trunk
    from cti.store.database import make_engine, make_session_factory

    for board in boards:
        board.home.mkdir(mode=0o700, parents=True, exist_ok=True)
    with database_trouble(settings):
        engine = make_engine(settings.database)
        try:
            with make_session_factory(engine)() as session:
                for board in boards:
                    trunk = ""
                    if board.gateway:
                        trunk = ensure_gateway_trunk(session, board.name, board.sip_host, board.sip_port)
                        if trunk != board.name:
                            say(f"voice board {board.name}: its trunk is {trunk}; {board.name} is one of your own")
                    if not board.program and settings.demo:
                        alone = not any(switch.speaks_sip for switch in settings.switches())
                        slots = TIMESLOTS * board.e1
                        recorders = 0 if board.gateway else RECORDERS
                        sizes = (TRUNKS, EXTENSIONS, slots, recorders)
                        ensure_demo_plan(session, board.name, *sizes, alone=alone, trunk=trunk)
        except TrunkTaken as error:
            raise ProvisionFailed(str(error)) from error
        finally:
            engine.dispose()


def load_rows(settings: Settings) -> Rows:
    """Agents and trunks as the switch's configuration wants them. Raises ``ProvisionFailed``."""
    from cti.store.database import make_engine, make_session_factory
    from cti.store.switchdata import load_switch_rows

    with database_trouble(settings):
        engine = make_engine(settings.database)
        try:
            with make_session_factory(engine)() as session:
                return load_switch_rows(session)
        finally:
            engine.dispose()


def reset_password(settings: Settings, name: str) -> str:
    """A new one-time password for ``name``. Raises ``ProvisionFailed``."""
    from cti.store import setup
    from cti.store.database import make_engine, make_session_factory

    with database_trouble(settings):
        engine = make_engine(settings.database)
        try:
            with make_session_factory(engine)() as session:
                return setup.reset_password(session, name)
        except LookupError as error:
            raise ProvisionFailed(f"there is no user {name!r}") from error
        finally:
            engine.dispose()


def migrate_database(settings: Settings) -> None:
    """Bring the tables up to date. Raises ``ProvisionFailed``."""
    from cti.store.setup import migrate

    with database_trouble(settings):
        migrate(settings.database)


@contextmanager
def database_trouble(settings: Settings) -> Iterator[None]:
    """Turn what a database raises into ``ProvisionFailed``: one line, without the password."""
    from cti.store.setup import DatabaseTrouble

    try:
        yield
    except DatabaseTrouble as error:
        raise ProvisionFailed(explain(settings.database, error.__cause__ or error)) from error
    except (SQLAlchemyError, OSError) as error:
        raise ProvisionFailed(explain(settings.database, error)) from error


def explain(database: str, error: BaseException) -> str:
    """One line: which database, what it says, what to do."""
    try:
        shown = make_url(database).render_as_string(hide_password=True)
    except SQLAlchemyError:
        return "CALLYARD_DATABASE_URL is not a database address, such as postgresql://user:password@host/name"
    reason = " ".join(str(getattr(error, "orig", None) or error).split())[:300]
    lower = reason.lower()
    if "no such table" in lower or ("relation" in lower and "does not exist" in lower):
        advice = "its tables are not made yet: run cti migrate, or start Callyard once (cti serve)"
    elif "not a database" in lower or "malformed" in lower:
        advice = "the file is damaged: restore a backup, or move the file away to start empty"
    elif "full" in lower or "no space" in lower:
        advice = "make room on its disk"
    elif "locked" in lower:
        advice = "another program holds it: stop that program"
    elif "can't locate revision" in lower:
        advice = "it was made by a newer Callyard: run that version, or restore a backup"
    elif any(
        word in lower for word in ("connect", "refused", "timeout", "resolve", "translate host", "authentication")
    ):
        advice = "is it running and reachable? See CALLYARD_DATABASE_URL"
    elif "unable to open" in lower or "readonly" in lower or "permission" in lower:
        advice = "check the owner and mode of the file and its folder"
    else:
        advice = "see docs/operations.md, Database; nothing was started"
    return f"database {shown}: {reason}: {advice}"


def _read(path: Path) -> str | None:
    return path.read_text(encoding="utf-8").strip() if path.exists() else None


def _write_private(path: Path, text: str) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
    temporary.replace(path)
