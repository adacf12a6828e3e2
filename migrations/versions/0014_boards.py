"""Voice boards: boards and their lines."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "boards",
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("hunt", sa.String(length=16), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_boards")),
    )
    op.create_table(
        "board_lines",
        sa.Column("board", sa.String(length=40), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("dialed", sa.String(length=32), nullable=False),
        sa.Column("trunk", sa.String(length=40), nullable=False),
        sa.Column("device", sa.String(length=40), nullable=False),
        sa.Column("blocked", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["board"], ["boards.name"], name=op.f("fk_board_lines_board"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("board", "line", name=op.f("pk_board_lines")),
    )


def downgrade() -> None:
    op.drop_table("board_lines")
    op.drop_table("boards")
