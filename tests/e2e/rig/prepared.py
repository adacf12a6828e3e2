"""What the first start of the product makes, made once for all tests of a run: database, demo data, prompts, secrets.

``test_make_run.py`` starts from nothing; the other products begin with a copy of this.
"""

from __future__ import annotations

import fcntl
import shutil
from pathlib import Path

from cti.provision.first_run import prepare_database
from cti.provision.prompts import make_prompts
from cti.provision.secrets import effective_secrets
from cti.settings import Settings


def prepared_var(folder: Path) -> Path:
    """The data folder below ``folder``, which the workers of a run share; the first that asks makes it."""
    folder.mkdir(parents=True, exist_ok=True)
    var, made = folder / "var", folder / "made"
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            var.mkdir(mode=0o700)
            settings = Settings(var=var)
            effective_secrets(settings)
            prepare_database(settings, lambda _text: None)
            make_prompts(settings.prompts_dir)
            (var / "cache").mkdir(mode=0o700)
            made.touch()
    return var


def begin_with(prepared: Path, var: Path) -> None:
    """Put a copy of it into a data folder in which nothing was started yet. Compiled templates are shared."""
    shutil.copytree(prepared, var, dirs_exist_ok=True, ignore=shutil.ignore_patterns("cache"))
    (var / "cache").symlink_to(prepared / "cache")
