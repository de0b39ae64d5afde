"""Has the mirror every branch and tag as the repository has it? (Document: Git Repository Backup.)"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from bot.diagnostics.check import Surroundings
from bot.diagnostics.points import Point, PointCheck
from bot.outcome import Failed, Refused
from bot.store.documents import Suggestion
from bot.systems.repositories import list_heads
from bot.words import show_count

ASK_S = 10.0
SHOWN = 5
SYNC = Suggestion(action="sync_code_mirror", label="Bring the mirror up to date")

Heads = dict[str, str] | Refused | Failed


class CodeMirror(PointCheck):
    name = "code_mirror"
    title = "Code repository and mirror"
    scope = "code"
    timeout_s = 15.0

    def look(self, surroundings: Surroundings) -> Iterator[Point]:
        code = surroundings.policy.infrastructure.code
        with ThreadPoolExecutor(max_workers=2) as pool:
            ours, theirs = pool.map(_ask, (code.primary, code.mirror))
        for title, heads in (("The repository", ours), ("The mirror", theirs)):
            if not isinstance(heads, dict):
                yield Point("warning", f"{title} does not answer: {heads.reason}", signs=("code at risk",))
        if isinstance(ours, dict) and isinstance(theirs, dict):
            yield compare(ours, theirs)


def compare(ours: dict[str, str], theirs: dict[str, str]) -> Point:
    """What the repository has is to be in the mirror; what is there beside it is in nobody's way."""
    missing = [name for name in ours if name not in theirs]
    other = [name for name in ours if name in theirs and theirs[name] != ours[name]]
    if not missing and not other:
        return Point("ok", f"The mirror has all {len(ours)} branches and tags of the repository.")
    told = [f"{show_count(len(missing), 'is', 'are')} missing ({_list(missing)})"] if missing else []
    told += [f"{show_count(len(other), 'is', 'are')} at another commit ({_list(other)})"] if other else []
    return Point(
        "warning", f"Of {len(ours)} branches and tags, in the mirror {' and '.join(told)}.", (SYNC,), ("code at risk",)
    )


def _list(names: list[str]) -> str:
    short = [name.removeprefix("refs/heads/").removeprefix("refs/tags/") for name in names[:SHOWN]]
    return ", ".join([*short, "…"] if len(names) > SHOWN else short)


def _ask(address: str) -> Heads:
    try:
        return list_heads(address, ASK_S)
    except (Refused, Failed) as trouble:
        return trouble


CHECK = CodeMirror()
