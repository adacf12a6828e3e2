"""Alembic's migrations; ``cti.store.setup.migrate`` runs them. A new one: see docs/store.md."""
