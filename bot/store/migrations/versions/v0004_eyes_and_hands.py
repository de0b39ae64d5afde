"""Diagnostics with pictures, and procedures on hosts: what a step keeps while it is under way."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("run_steps", sa.Column("kept", sa.Text(), server_default="{}", nullable=False))
    op.add_column("sweeps", sa.Column("story", sa.Text(), server_default="{}", nullable=False))
