"""The ``cti`` command. Reads settings, calls one function, turns its errors into one line and an exit status."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from pydantic import ValidationError

from cti.domain.errors import CallyardError
from cti.settings import Settings, SwitchSettings, load_settings

if TYPE_CHECKING:
    from dialplan.deploy import Applied

Command = Callable[[Settings, argparse.Namespace], int]


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point; the exit status: 0 done, 1 failed, 2 wrong usage or settings."""
    options = _parser().parse_args(arguments)
    os.umask(0o027)
    if options.var:
        os.environ["CALLYARD_VAR"] = options.var
    try:
        settings = load_settings()
    except ValidationError as error:
        for problem in error.errors():
            name = "CALLYARD_" + "_".join(str(part) for part in problem["loc"]).upper()
            print(f"cti: {name}: {problem['msg']}", file=sys.stderr)
        return 2
    command: Command = options.run
    try:
        return command(settings, options)
    except CallyardError as error:
        print(f"cti: {' '.join(str(error).split())}", file=sys.stderr)
    except OSError as error:
        print(f"cti: {error.filename or ''}: {error.strerror or error}", file=sys.stderr)
    except KeyboardInterrupt:
        return 130
    return 1


def _serve(settings: Settings, options: argparse.Namespace) -> int:
    from cti.serve import serve

    return serve(settings)


def _engine(settings: Settings, options: argparse.Namespace) -> int:
    from cti.bootstrap import run_engine

    asyncio.run(run_engine(settings))
    return 0


def _worker(settings: Settings, options: argparse.Namespace) -> int:
    from cti.bootstrap import run_worker

    asyncio.run(run_worker(settings))
    return 0


def _board(settings: Settings, options: argparse.Namespace) -> int:
    from cards.host.process import run_host
    from cti.bootstrap import configure_logging, make_bus
    from cti.provision.switches import switch_named

    configure_logging(settings)
    switch = switch_named(settings, options.name)
    asyncio.run(run_host(switch, make_bus(settings, switch.name)))
    return 0


def _web(settings: Settings, options: argparse.Namespace) -> int:
    from cti.provision import programs

    os.environ["CALLYARD_VAR"] = str(settings.var)
    argv = programs.web(settings).argv
    os.execv(argv[0], argv)  # noqa: S606 - our own program, no shell


def _migrate(settings: Settings, options: argparse.Namespace) -> int:
    from cti.provision.first_run import migrate_database

    migrate_database(settings)
    print("database: up to date")
    return 0


def _sums(settings: Settings, options: argparse.Namespace) -> int:
    from cti.store.database import make_engine, make_session_factory
    from cti.store.models import utc_now
    from cti.store.rollups import rebuild

    engine = make_engine(settings.database, statement_timeout=0)
    try:
        with make_session_factory(engine)() as session:
            print(f"{rebuild(session, utc_now().date())} days summed")
    finally:
        engine.dispose()
    return 0


def _check_config(settings: Settings, options: argparse.Namespace) -> int:
    from cti.provision.checks import check_all

    results = check_all(settings)
    for result in results:
        print(f"{'ok    ' if result.ok else 'FAILED'}  {result.name:<18} {result.text}")
    return 0 if all(result.ok for result in results) else 1


def _prompts(settings: Settings, options: argparse.Namespace) -> int:
    from cti.provision.prompts import make_prompts

    print(f"{make_prompts(settings.prompts_dir)} prompts made in {settings.prompts_dir}")
    return 0


def _chosen(settings: Settings, name: str) -> Sequence[SwitchSettings]:
    """The switch called ``name``, or all of them."""
    from cti.provision.switches import all_switches, switch_named

    return [switch_named(settings, name)] if name else all_switches(settings)


def _switch_render(settings: Settings, options: argparse.Namespace) -> int:
    """The first word may be the name of a switch."""
    from cti.provision.first_run import load_rows
    from cti.provision.switches import switch_named
    from dialplan.which import is_freeswitch, rendered

    words = list(options.file)
    named = bool(words) and words[0] in {switch.name for switch in settings.switches()}
    switch = switch_named(settings, words.pop(0) if named else "")
    files = rendered(switch, load_rows(settings))
    for name in words or sorted(files):
        if name not in files:
            print(f"cti: no file {name}: {' '.join(sorted(files))}", file=sys.stderr)
            return 2
        print(f"<!-- {name} -->\n{files[name]}" if is_freeswitch(switch) else f";;; {name}\n{files[name]}")
    return 0


def _switch_check(settings: Settings, options: argparse.Namespace) -> int:
    from cti.provision.first_run import load_rows
    from dialplan.which import rendered

    rows = load_rows(settings)
    for switch in _chosen(settings, options.name):
        print(f"{switch.name}: {len(rendered(switch, rows))} files are well formed")
    return 0


def _switch_apply(settings: Settings, options: argparse.Namespace) -> int:
    from cti.provision.first_run import load_rows
    from dialplan.which import apply

    rows = load_rows(settings)
    return _each(_chosen(settings, options.name), lambda switch: apply(switch, rows))


def _switch_rollback(settings: Settings, options: argparse.Namespace) -> int:
    from dialplan.which import rollback

    return _each(_chosen(settings, options.name), rollback)


def _each(switches: Sequence[SwitchSettings], work: Callable[[SwitchSettings], Applied]) -> int:
    """One after the other, each told of by its name; one that fails keeps no other from it."""
    failed = False
    for switch in switches:
        try:
            _tell(switch, work(switch))
        except (CallyardError, OSError) as error:
            print(f"cti: {switch.name}: {' '.join(str(error).split())}", file=sys.stderr)
            failed = True
    return int(failed)


def _tell(switch: SwitchSettings, applied: Applied) -> None:
    print(f"{switch.name}: release {applied.release} is in force; changed: {' '.join(applied.changed) or 'nothing'}")
    for command in applied.reloaded:
        print(f"{switch.name}: {command}")
    if applied.restart:
        print(f"{switch.name}: takes effect when it starts again: {' '.join(applied.restart)}")
    if "dahdi_system.conf" in applied.changed:
        file = switch.home / "etc" / "dahdi_system.conf"
        print(f"{switch.name}: as root, before Asterisk starts: dahdi_cfg -c {file}")


def _reset_password(settings: Settings, options: argparse.Namespace) -> int:
    from cti.provision.first_run import reset_password

    print(f"one-time password of {options.name}: {reset_password(settings, options.name)}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="cti", description="Callyard, an open call centre.")
    parser.add_argument("--var", help="folder of everything written at run time (default: CALLYARD_VAR, or ./var)")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def add(name: str, run: Command, text: str) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=text, description=text)
        command.set_defaults(run=run)
        return command

    add("serve", _serve, "start everything and watch it (make run)")
    add("engine", _engine, "run the engine alone")
    add("worker", _worker, "run the worker alone: durable events into the database")
    host = add("board", _board, "run the host of a voice board alone")
    host.add_argument("name", nargs="?", default="board", metavar="NAME", help="the board's (default: board)")
    add("web", _web, "run the site alone")
    add("migrate", _migrate, "bring the database's tables up to date")
    add("sums", _sums, "sum the days of reports anew; reports stay right meanwhile")
    add("check-config", _check_config, "check settings, folders, ports, database, bus and switches")
    add("prompts", _prompts, "make the spoken prompts that are missing")

    switch = commands.add_parser("switch", help="configuration of our own switches")
    actions = switch.add_subparsers(dest="action", required=True, metavar="ACTION")
    render = actions.add_parser("render", help="print it; it holds secrets")
    render.add_argument(
        "file", nargs="*", metavar="NAME-OR-FILE", help="a switch's name (default: the first), then only these files"
    )
    render.set_defaults(run=_switch_render)
    for name, run, text in (
        ("check", _switch_check, "render and check it, change nothing"),
        ("apply", _switch_apply, "put it in force and have the switches read it"),
        ("rollback", _switch_rollback, "put the one before in force again"),
    ):
        action = actions.add_parser(name, help=text)
        action.add_argument("name", nargs="?", default="", metavar="NAME", help="only the switch of this name")
        action.set_defaults(run=run)

    admin = commands.add_parser("admin", help="people")
    people = admin.add_subparsers(dest="action", required=True, metavar="ACTION")
    reset = people.add_parser("reset-password", help="give NAME a new one-time password")
    reset.add_argument("name", metavar="NAME")
    reset.set_defaults(run=_reset_password)
    return parser


if __name__ == "__main__":
    sys.exit(main())
