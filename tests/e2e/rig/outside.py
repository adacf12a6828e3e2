"""The product on a switch that somebody else runs, reached through a link that a test can cut."""

from __future__ import annotations

import subprocess

from cti.provision.asterisk import AsteriskInstallation, ensure_asterisk
from cti.provision.first_run import load_rows, prepare_database, prepare_switch
from cti.provision.freeswitch import freeswitch_command, require_freeswitch
from cti.provision.home import asterisk_command
from cti.provision.prompts import make_prompts
from cti.provision.switches import switch_named
from cti.switch_settings import SwitchKind, SwitchSettings
from tests.e2e.rig.centre import Centre, until
from tests.e2e.rig.proxy import LinkProxy
from tests.e2e.rig.switch import RunningFreeSwitch, RunningSwitch, Switch
from tests.ports import free_port


class OutsideCentre(Centre):
    """``proxy`` stands between the engine and the control port of the switch, whose process is ``program``."""

    proxy: LinkProxy
    program: subprocess.Popen[bytes]
    argv: tuple[str, ...] = ()

    async def launch(self) -> None:
        self.root.mkdir(parents=True, exist_ok=True)
        prepare_database(self.settings, print)
        make_prompts(self.settings.prompts_dir)
        switch = switch_named(self.settings)
        command = self._prepare(switch)
        with (self.root / "switch.log").open("wb") as log:
            self.program = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)  # noqa: ASYNC220
        await until("the switch runs", self._runs, 30, every=0.2)
        self.proxy = await LinkProxy(switch.port, free_port()).start()
        names = ("ESL", "PASSWORD") if switch.kind is SwitchKind.FREESWITCH else ("AMI", "SECRET")
        self.environment |= {
            f"CALLYARD_{names[0]}_HOST": "127.0.0.1",
            f"CALLYARD_{names[0]}_PORT": str(self.proxy.port),
            f"CALLYARD_{names[0]}_{names[1]}": switch.secret,
        }
        await super().launch()

    async def stop(self) -> None:
        try:
            await super().stop()
        finally:
            await self.proxy.stop()
            self.program.terminate()
            self.program.wait(20)

    @property
    def switch(self) -> Switch:
        switch = switch_named(self.settings)
        if switch.kind is SwitchKind.FREESWITCH:
            return RunningFreeSwitch(self.settings, switch.sip_port, self.program.pid)
        return RunningSwitch(self.argv, switch.home / "etc", switch.sip_port, self.program.pid)

    @property
    def switches(self) -> list[Switch]:
        return [self.switch]

    def originates(self) -> int:
        """How often the engine told the switch to dial."""
        said = bytes(self.proxy.sent).lower()
        return said.count(b"action: originate\r\n") + said.count(b"bgapi originate ")

    def _prepare(self, switch: SwitchSettings) -> list[str]:
        """Its configuration; the command that runs it."""
        freeswitch = switch.kind is SwitchKind.FREESWITCH
        installation = require_freeswitch(switch) if freeswitch else ensure_asterisk(switch, print)
        prepare_switch(switch, installation, load_rows(self.settings))
        if not isinstance(installation, AsteriskInstallation):
            return freeswitch_command(switch, installation)
        self.argv = tuple(installation.argv_prefix)
        return asterisk_command(switch, installation)

    def _runs(self) -> bool:
        assert self.program.poll() is None, (self.root / "switch.log").read_text("utf-8", "replace")[-2000:]
        try:
            uptime, profile = self.switch.rx("core show uptime"), self.switch.rx("sofia status")
        except OSError:
            return False
        return "uptime" in uptime.lower() or "RUNNING" in profile
