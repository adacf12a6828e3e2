"""The product on an Asterisk that somebody else runs, reached through a link that a test can cut."""

from __future__ import annotations

import subprocess

from cti.provision.asterisk import ensure_asterisk
from cti.provision.first_run import load_rows, prepare_database, prepare_switch
from cti.provision.home import asterisk_command
from cti.provision.prompts import make_prompts
from cti.provision.secrets import effective_secrets
from cti.provision.switches import switch_named
from tests.e2e.rig.centre import Centre, until
from tests.e2e.rig.ports import free_port
from tests.e2e.rig.proxy import LinkProxy
from tests.e2e.rig.switch import RunningSwitch


class OutsideCentre(Centre):
    """``proxy`` stands between the engine and the manager port of ``asterisk``."""

    proxy: LinkProxy
    asterisk: subprocess.Popen[bytes]

    async def launch(self) -> None:
        self.root.mkdir(parents=True, exist_ok=True)
        prepare_database(self.settings, print)
        make_prompts(self.settings.prompts_dir)
        switch = switch_named(self.settings)
        installation = ensure_asterisk(switch, print)
        prepare_switch(switch, installation, load_rows(self.settings))
        command = asterisk_command(switch, installation)
        with (self.root / "asterisk.log").open("wb") as log:
            self.asterisk = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)  # noqa: ASYNC220
        self.argv = installation.argv_prefix
        await until("asterisk runs", lambda: "uptime" in self.switch.rx("core show uptime").lower(), 30, every=0.2)
        self.proxy = await LinkProxy(self.settings.ami_port, free_port()).start()
        self.environment |= {
            "CALLYARD_AMI_HOST": "127.0.0.1",
            "CALLYARD_AMI_PORT": str(self.proxy.port),
            "CALLYARD_AMI_SECRET": effective_secrets(self.settings).ami_secret,
        }
        await super().launch()

    async def stop(self) -> None:
        try:
            await super().stop()
        finally:
            await self.proxy.stop()
            self.asterisk.terminate()
            self.asterisk.wait(20)

    @property
    def switch(self) -> RunningSwitch:
        etc = self.settings.var / "asterisk" / "etc"
        return RunningSwitch(tuple(self.argv), etc, self.settings.sip_port, self.asterisk.pid)
