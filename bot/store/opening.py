"""Opening the store at the start of a process, and what to say where that cannot be done."""

from __future__ import annotations

import sqlalchemy as sa
from alembic.util import CommandError

from bot.outcome import Failed
from bot.store.database import Database
from bot.store.migrate import migrate

NEXT_STEP = "HOLDFAST_DATABASE_URL says where it is; without it, it is ~/.local/state/holdfast/holdfast.db."


def open_store(url: str) -> Database:
    """The store with today's schema. Raises `Failed` where it is away, not ours to write, or of a newer Holdfast."""
    try:
        database = Database(url)
        migrate(database)
    except CommandError as error:  # the one thing that Alembic refuses: a revision that it does not know
        reason = "The bot's own database was migrated by a newer Holdfast than this one."
        raise Failed(reason, "Nothing in it was changed.", "Install that one again.") from error
    except (sa.exc.DBAPIError, OSError) as error:
        raise explain(error) from error
    return database


def explain(error: sa.exc.DBAPIError | OSError) -> Failed:
    """What the driver or the operating system said, without the statement and its values."""
    said = str(error.orig) if isinstance(error, sa.exc.DBAPIError) else str(error)
    first = said.strip().partition("\n")[0].rstrip(".")
    return Failed(f"The bot's own database cannot be used: {first}.", next_step=NEXT_STEP)
