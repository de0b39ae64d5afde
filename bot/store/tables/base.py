"""What all tables have in common."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from pydantic import JsonValue
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from bot.store.columns import Document, UtcDateTime

Json = dict[str, JsonValue]


class Table(DeclarativeBase):
    type_annotation_map = {datetime: UtcDateTime, Json: Document(Json), str: sa.Text}  # noqa: RUF012
    metadata = sa.MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


def number() -> Mapped[int]:
    """A primary key that the database counts up."""
    return mapped_column(primary_key=True, autoincrement=True)
