"""Which code runs in a region, so that the other one gets the same and not what has come to the branch since.

The hosts say it. Where none answers, as in an outage, it is what Holdfast itself has put there lately; else nobody
knows, and the main branch is what is left.
"""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from bot.outcome import Failed, Refused
from bot.recovery.action import World
from bot.recovery.code_changes import CodeAction
from bot.recovery.code_hosts import ask_hosts
from bot.recovery.registry import all_actions
from bot.recovery.releases import current_of
from bot.store.tables import Plan, Run

LATELY = timedelta(days=7)
"""What was put there longer ago may have been followed by a deployment that Holdfast knows nothing of."""


def ask_revision(world: World, application: str) -> str | None:
    """The commit that most of the hosts have; None where none says one."""
    try:
        seen = ask_hosts(world, application).seen
    except (Refused, Failed):
        return None
    commits = Counter(commit for one in seen.values() if (commit := current_of(one)[1]))
    return commits.most_common(1)[0][0] if commits else None


def read_deployed(session: Session, application: str, now: datetime) -> str | None:
    """The commit that the last run here has put on the application's hosts; None where none did so lately."""
    names = [name for name, action in all_actions().items() if isinstance(action, CodeAction)]
    query = sa.select(Plan).join(Run, Run.plan_id == Plan.id)
    query = query.where(Run.action.in_(names), Run.target == application, Run.state == "done")
    last = session.scalar(query.where(Run.finished_at >= now - LATELY).order_by(Run.finished_at.desc()).limit(1))
    revision = last.document.observed.get("revision") if last and last.document else None
    return str(revision) if revision else None
