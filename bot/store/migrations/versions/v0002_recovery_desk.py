"""The recovery desk: approvals by rule, runs that go on, playbooks."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "handovers",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("giver", sa.Text(), nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_handovers")),
    )
    op.create_index(op.f("ix_handovers_giver"), "handovers", ["giver"], unique=False)
    op.create_table(
        "playbook_runs",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("playbook", sa.Text(), nullable=False),
        sa.Column("database", sa.Text(), nullable=False),
        sa.Column("incident_id", sa.Integer(), nullable=True),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("requested_by", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("plan_id", sa.Integer(), nullable=True),
        sa.Column("turn", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_playbook_runs")),
    )
    op.create_index(op.f("ix_playbook_runs_incident_id"), "playbook_runs", ["incident_id"], unique=False)
    op.create_table(
        "playbook_tasks",
        sa.Column("playbook_run_id", sa.Integer(), nullable=False),
        sa.Column("index", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("definition", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("plan_id", sa.Integer(), nullable=True),
        sa.Column("skip_plan_id", sa.Integer(), nullable=True),
        sa.Column("alone", sa.Boolean(), nullable=False),
        sa.Column("spent", sa.Text(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["playbook_run_id"], ["playbook_runs.id"], name=op.f("fk_playbook_tasks_playbook_run_id")
        ),
        sa.PrimaryKeyConstraint("playbook_run_id", "index", name=op.f("pk_playbook_tasks")),
    )
    op.create_index(op.f("ix_playbook_tasks_plan_id"), "playbook_tasks", ["plan_id"], unique=False)
    op.create_table(
        "run_outputs",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("step", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name=op.f("fk_run_outputs_run_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_run_outputs")),
    )
    op.create_index(op.f("ix_run_outputs_run_id"), "run_outputs", ["run_id"], unique=False)
    op.add_column("approvals", sa.Column("on_behalf_of", sa.Text(), nullable=True))
    op.add_column("approvals", sa.Column("reason", sa.Text(), nullable=True))
    op.add_column("locks", sa.Column("playbook_run_id", sa.Integer(), nullable=True))
    op.add_column("plans", sa.Column("preview", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column("plans", sa.Column("playbook_run_id", sa.Integer(), nullable=True))
    op.add_column("runs", sa.Column("attempt", sa.Integer(), server_default="1", nullable=False))
    op.add_column("runs", sa.Column("begun", sa.Integer(), server_default="0", nullable=False))
    op.add_column("runs", sa.Column("way_back", sa.Text(), nullable=True))
    op.execute("UPDATE runs SET begun = 1 WHERE id IN (SELECT run_id FROM run_steps)")
