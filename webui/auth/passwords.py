"""Passwords at the login, and what a new one must be. Must not know requests or the database."""

from __future__ import annotations

import threading
from functools import lru_cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from cti.store.passwords import hash_password

SHORTEST = 10
LONGEST = 200
AT_ONCE = 4
"""Checks that run at the same time, 64 MB each: a flood of logins waits and does not take the machine's memory."""

_room = threading.BoundedSemaphore(AT_ONCE)


def verify(stored: str, password: str) -> bool:
    """Whether ``password`` is right. A user that does not exist costs the same time: pass an empty ``stored``."""
    with _room:
        try:
            return PasswordHasher().verify(stored or _nobody(), password) and bool(stored)
        except (VerificationError, InvalidHashError):
            return False


def outdated(stored: str) -> bool:
    """The hash was made with weaker parameters than today's."""
    return PasswordHasher().check_needs_rehash(stored)


def acceptable(password: str, username: str) -> bool:
    """Long enough, not the user name, not one character over and over."""
    return SHORTEST <= len(password) <= LONGEST and username.lower() not in password.lower() and len(set(password)) >= 4


@lru_cache(maxsize=1)
def _nobody() -> str:
    return hash_password("nobody has this password")
