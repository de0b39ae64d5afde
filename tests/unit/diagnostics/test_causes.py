"""The line that a tired person reads first: what is most likely wrong, and what it does not explain."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from bot.diagnostics import checks, refusals
from bot.diagnostics.causes import CAUSES, SIGNS, guess_cause, sort_by_weight
from bot.store.documents import Finding, FindingState


def finding(check: str, state: FindingState, *signs: str) -> Finding:
    title = check.replace("_", " ").capitalize()
    return Finding(check=check, title=title, state=state, summary=f"{title} says so.", signs=list(signs))


def test_a_database_that_is_down_explains_what_users_see() -> None:
    guess = guess_cause(
        [
            finding("application_health", "critical", "application unhealthy"),
            finding("application_log", "critical", "errors logged"),
            finding("database_connectivity", "critical", "database down"),
            finding("backups_verified", "critical", "backups gone"),
            finding("system_clock", "warning", "clock wrong"),
        ]
    )
    assert guess
    assert guess.words.startswith("Most likely: the database server is down, because “Database connectivity” says")
    assert guess.beside == ("System clock",), "what users do not notice is no second cause"


def test_who_looked_itself_is_quoted_before_who_heard_of_it() -> None:
    guess = guess_cause(
        [finding("application_log", "critical", "column gone"), finding("database_schema", "critical", "column gone")]
    )
    assert guess
    assert "“Database schema”" in guess.words


def test_what_hurts_users_comes_before_what_does_not() -> None:
    guess = guess_cause(
        [
            finding("system_resources", "critical", "processor burned"),
            finding("database_schema", "warning", "trigger changed"),
            finding("application_log", "critical", "errors logged"),
        ]
    )
    assert guess
    assert "a trigger, rule, constraint or row policy" in guess.words
    assert guess.beside == ()


def test_what_a_log_still_tells_of_is_not_believed_against_who_looks_himself() -> None:
    log = finding("application_log", "critical", "rights gone", "errors logged")
    good, index = finding("database_permissions", "ok"), finding("database_schema", "warning", "index gone")
    after = guess_cause([log, good, index])
    assert after
    assert "an index is gone" in after.words
    unseen = guess_cause([log, finding("database_permissions", "unknown"), index])
    assert unseen
    assert "lost rights" in unseen.words


def test_what_hurts_nobody_yet_is_not_called_the_cause_of_trouble() -> None:
    copies = finding("backups_second_region", "critical", "backups at risk")
    alone, beside = guess_cause([copies]), guess_cause([copies, finding("application_log", "warning", "errors logged")])
    assert alone
    assert alone.words.startswith("Nothing that users would notice: the backups are not safe")
    assert beside
    assert beside.words.startswith("Most likely: the application logs errors")


def test_a_load_balancer_without_servers_is_told_where_nothing_beneath_is_wrong() -> None:
    balancer = finding("infrastructure_load_balancer", "critical", "no healthy server")
    users = finding("application_paths", "critical", "page broken")
    alone, beneath = guess_cause([balancer, users]), guess_cause([balancer, finding("x", "critical", "database down")])
    assert alone
    assert "the load balancer has no healthy server" in alone.words
    assert beneath
    assert ("the database server is down" in beneath.words, beneath.beside) == (True, ())


def test_a_release_is_a_cause_only_where_something_is_wrong() -> None:
    release = finding("code_deployed", "warning", "new release")
    broken = finding("application_paths", "critical", "page broken")
    alone, blamed = guess_cause([release]), guess_cause([release, broken])
    assert alone
    assert alone.words == "The likeliest cause is unknown: only “Code deployed” is not as it should be."
    assert blamed
    assert "a release that was deployed just before" in blamed.words
    deeper = guess_cause([release, broken, finding("database_schema", "critical", "table gone")])
    assert deeper
    assert "a table is gone" in deeper.words


def test_roots_are_told_before_what_follows_from_them() -> None:
    log = finding("application_log", "critical", "errors logged")
    locks = finding("database_locks", "critical", "locked")
    copies = finding("backups_second_region", "critical", "backups at risk")
    assert sort_by_weight([log, copies, locks, finding("x", "ok")])[0] == locks


def test_nothing_wrong_has_no_cause_and_what_fits_nothing_is_unknown() -> None:
    assert guess_cause([finding("database_size", "ok")]) is None
    assert guess_cause([finding("network_dns", "unknown")]) is None
    strange = guess_cause([finding("database_size", "critical"), finding("network_dns", "warning")])
    assert strange
    assert strange.words.startswith("The likeliest cause is unknown: 2 findings")


def test_what_hangs_is_said_where_nothing_else_is_wrong() -> None:
    guess = guess_cause([finding("network_dns", "unknown", "hangs"), finding("database_size", "ok")])
    assert guess
    assert "1 system does not answer (Network dns)" in guess.words


def test_every_sign_of_a_check_is_in_the_table() -> None:
    given = {sign for path in _files() for sign in _signs(path)}
    assert len(given) > 30
    assert given - SIGNS == set()
    followed = {sign for cause in CAUSES for sign in cause.follows}
    assert followed - SIGNS == set()


def test_every_cause_is_told_once() -> None:
    assert len({cause.sign for cause in CAUSES}) == len({cause.words for cause in CAUSES}) == len(CAUSES)


def _files() -> list[Path]:
    folder = Path(checks.__path__[0])
    return [*folder.glob("*.py"), Path(str(refusals.__file__)), folder.parent / "asking.py"]


def _signs(path: Path) -> Iterator[str]:
    """Words in `signs=…`, and those that tables called SIGNS, GONE or KNOWN give."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.keyword) and node.arg == "signs":
            yield from _words(node.value)
        elif isinstance(node, ast.AnnAssign | ast.Assign):
            targets = [node.target] if isinstance(node, ast.AnnAssign) else node.targets
            if node.value and any(isinstance(one, ast.Name) and one.id == "KNOWN" for one in targets):
                yield from (one.elts[2].value for one in node.value.elts)  # type: ignore[attr-defined]


def _words(node: ast.expr) -> Iterator[str]:
    for inner in ast.walk(node):
        if isinstance(inner, ast.Compare | ast.Call):
            return
        if isinstance(inner, ast.Constant) and isinstance(inner.value, str):
            yield inner.value
