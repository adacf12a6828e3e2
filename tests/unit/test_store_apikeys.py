"""Keys to the API: what is kept of them, and when they stop working."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from cti.store import apikeys
from cti.store.models import ApiKey, Role, User
from tests.stores import Store

NOW = datetime(2026, 11, 21, 20, tzinfo=UTC)


def test_a_key_is_kept_as_a_digest_and_works_until_it_is_over(store: Store) -> None:
    with store.sessions() as session:
        user = User(id="u1", username="u1", name="U", password_hash="x", role=Role.AGENT)
        session.add(user)
        session.flush()
        key, text = apikeys.make(session, "crm", "u1", ["orders.read"], NOW + timedelta(days=1), 60)
        session.commit()
        assert text.startswith(key.prefix)
        assert text not in str(vars(session.get_one(ApiKey, key.id)))
        assert apikeys.find(session, text, NOW) is key
        assert apikeys.find(session, text, NOW + timedelta(days=1)) is None
        for wrong in ("", text[:-1], text + "x", text.upper(), key.prefix, "é" * 20, "cyk_" + "x" * 500):
            assert apikeys.find(session, wrong, NOW) is None
        apikeys.touch(session, key, NOW)
        session.refresh(key)
        assert key.used_at == NOW
        user.active = False
        session.commit()
        assert apikeys.find(session, text, NOW) is None
        user.active, key.revoked_at = True, NOW
        session.commit()
        assert apikeys.find(session, text, NOW) is None
