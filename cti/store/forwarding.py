"""The numbers outside to which agents may forward their own calls: beginnings that administrators allow."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy.orm import Session

from cti.domain.phones import normalise
from cti.store.models import Setting, utc_now

KEY = "forwarding"


def prefixes(session: Session) -> tuple[str, ...]:
    """Nothing is allowed where nothing was set."""
    row = session.get(Setting, KEY)
    value = row.value if row is not None else ()
    return tuple(str(one) for one in value) if isinstance(value, list) else ()


def allow(session: Session, wanted: Collection[str], username: str) -> None:
    """Not committed."""
    row = session.get(Setting, KEY) or Setting(key=KEY)
    row.value, row.changed_by, row.changed_at = list(wanted), username, utc_now()
    session.add(row)


def fits(number: str, allowed: tuple[str, ...]) -> bool:
    """Whether it begins as allowed, as typed or in full (``+86…``)."""
    return bool(allowed) and (number.startswith(allowed) or normalise(number).startswith(allowed))
