"""What carriers collected and handed over is summed from indexes alone."""

from __future__ import annotations

from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

PARCELS = ["carrier_id", "state", "finished_at"]
RECEIPTS = ["kind", "settlement_id", "amount"]


def upgrade() -> None:
    _replace(PARCELS, [*PARCELS, "cod_amount"])
    op.create_index(op.f("ix_receipts_kind_settlement_id_amount"), "receipts", RECEIPTS)


def downgrade() -> None:
    op.drop_index(op.f("ix_receipts_kind_settlement_id_amount"), "receipts")
    _replace([*PARCELS, "cod_amount"], PARCELS)


def _replace(old: list[str], new: list[str]) -> None:
    op.drop_index(op.f(f"ix_parcels_{'_'.join(old)}"), "parcels")
    op.create_index(op.f(f"ix_parcels_{'_'.join(new)}"), "parcels", new)
