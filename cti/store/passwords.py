"""Passwords: argon2 hashes, and random ones that a person can type. No password is ever stored or logged in clear."""

from __future__ import annotations

import secrets

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"  # nothing that looks like something else
GROUPS, GROUP = 4, 4  # 16 characters, 79 bits


def random_password() -> str:
    """As ``k7mw-x2pd-hq9c-4vtr``."""
    return "-".join("".join(secrets.choice(ALPHABET) for _ in range(GROUP)) for _ in range(GROUPS))


def random_secret() -> str:
    """For a phone's registration: 25 characters, 123 bits."""
    return "".join(secrets.choice(ALPHABET) for _ in range(25))


def hash_password(password: str) -> str:
    return PasswordHasher().hash(password)


def verify_password(stored: str, password: str) -> bool:
    try:
        return PasswordHasher().verify(stored, password)
    except (InvalidHashError, VerificationError):
        return False
