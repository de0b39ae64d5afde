"""The most likely cause, from all findings of a sweep: a table from what may be the root to what would follow from it.

Findings carry signs. The first cause in the table whose sign was seen and that explains the most is told; what it does
not explain is said too. Nothing here is certain, so the words never are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from bot.store.documents import Finding
from bot.words import cut, show_count

FOLLOWS_DOWN = frozenset(
    {"application unhealthy", "application hangs", "page broken", "errors logged", "login broken", "pool used up",
     "statements fail", "application slow", "application locked out", "no healthy server", "few healthy servers",
     "alarm"}
)  # fmt: skip
"""What users and logs show of nearly anything that is wrong beneath."""


@dataclass(frozen=True)
class Cause:
    """`sign` is the root's own; `follows` are signs that it would explain besides `FOLLOWS_DOWN`."""

    sign: str
    words: str
    follows: frozenset[str] = frozenset()
    explains: bool = True
    """Whether users would notice: what hurts nobody yet explains nothing else."""
    needs: bool = False
    """Whether it is a cause only where something else is wrong that it explains: a release alone is none."""


def _of(sign: str, words: str, *follows: str, explains: bool = True, needs: bool = False) -> Cause:
    return Cause(sign, words, frozenset(follows), explains, needs)


CAUSES: tuple[Cause, ...] = (
    _of("name lost", "a name does not resolve any more", "database down", "application down"),
    _of("disk damaged", "the disk under the database damages data"),
    _of("disk full", "a disk is full", "database down", "log lost", "log not archived"),
    _of("instance ill", "the RDS instance is not available", "database down", "database hangs", "database starting"),
    _of("memory used up", "the machine has run out of memory", "processes gone", "database down"),
    _of("shut off", "a security group shuts off what has to be reached", "database down", "database hangs",
        "application down", "no healthy server", "few healthy servers"),
    _of("database gone", "the database itself is gone", "table gone"),
    _of("database closed", "somebody has closed the database to connections"),
    _of("database down", "the database server is down", "database hangs", "log not archived"),
    _of("database starting", "the database server is starting or recovering"),
    _of("database hangs", "the database does not answer", "database down", "database slow"),
    _of("role locked out", "the application's role is locked out of the database", "password refused"),
    _of("password refused", "a database password was changed on one side only", "secret wrong", "role locked out"),
    _of("instance at work", "RDS is at work on the instance", "database down", "database hangs", "database starting",
        "database slow", needs=True),
    _of("environment wrong", "the environment file on a host is not what it should be", "password refused",
        "secret wrong", "wrong address", "application down", "processes gone"),
    _of("locked", "a lock in the database holds the others up", "long query", "connections used up", "database slow",
        "database hangs"),
    _of("connections used up", "all connections to the database are taken", "role locked out"),
    _of("read only", "the database takes no writes", "setting changed"),
    _of("commits wait", "commits wait for a standby that does not confirm", "long query", "setting changed", "locked"),
    _of("schema moved", "the tables are in another schema than before", "table gone", "rows gone", "rights gone",
        "tables not found"),
    _of("table gone", "a table is gone, or has another name", "rows gone", "rows overwritten", "function gone",
        "constraint gone", "trigger changed", "index gone", "rows written at once"),
    _of("column gone", "a column is gone, or has another name", "index gone", "constraint gone", "column changed"),
    _of("function gone", "a function, sequence or extension of the database is gone", "trigger changed"),
    _of("rights gone", "the application has lost rights in the database", "tables not found", "table gone"),
    _of("tables not found", "the application looks for its tables in the wrong schema", "setting changed",
        "table gone"),
    _of("rows gone", "rows were deleted", "rows overwritten", "rows written at once"),
    _of("rows overwritten", "rows were overwritten by a statement that hit more than it should",
        "rows written at once"),
    _of("numbers taken", "a sequence is behind, so new rows are refused"),
    _of("numbers used up", "a sequence has no numbers left, so new rows are refused"),
    _of("trigger changed", "a trigger, rule, constraint or row policy of the database was changed"),
    _of("column changed", "a column or table was changed", "rows written at once"),
    _of("writes stopped", "no new rows arrive any more, although the database takes them", "application slow"),
    _of("rows doubled", "rows were poured in twice, or are written without end", "rows written at once"),
    _of("wrong address", "the application is connected to another database than it should be"),
    _of("clock wrong", "a clock is wrong", "certificate bad"),
    _of("certificate bad", "a certificate is refused"),
    _of("secret wrong", "a secret does not hold what it should: what starts next will not work", explains=False),
    _of("server ill", "a server's machine does not run, or is ill", "processes gone", "application down",
        "servers left out"),
    _of("processes gone", "the application's processes are gone", "application down"),
    _of("files used up", "the machine has too many files open", "application down"),
    _of("processor burned", "something keeps the processors busy", "database slow", "long query", explains=False),
    _of("processes pile up", "ended processes pile up on a machine", explains=False),
    _of("application down", "the application is down while the database answers", "processes gone"),
    _of("application hangs", "the application hangs while the database answers"),
    _of("pool used up", "the application has no free database connection"),
    _of("long query", "a query runs for very long", "database slow", explains=False),
    _of("index gone", "an index is gone or not valid, so queries are slow", "long query", "database slow"),
    _of("servers left out", "servers are not registered with the load balancer", "no healthy server",
        "few healthy servers", "application down"),
    _of("health path wrong", "the load balancer asks for the wrong page, and takes well servers for ill",
        "no healthy server", "few healthy servers", "application down"),
    _of("no healthy server", "the load balancer has no healthy server", "application down", "few healthy servers"),
    _of("few healthy servers", "some servers behind the load balancer are ill"),
    _of("maintenance", "users are kept out by maintenance mode", "no healthy server", needs=True),
    _of("new release", "a release that was deployed just before is to blame", "processes gone", "application down",
        needs=True),
    _of("login broken", "users cannot log in, although the application and its database answer"),
    _of("page broken", "a page of the application fails while the rest works"),
    _of("application unhealthy", "the application says of itself that it is not well"),
    _of("setting changed", "a setting of the database server was changed", "database slow"),
    _of("rows written at once", "one transaction wrote very many rows: an import, or a statement that hit too much"),
    _of("constraint gone", "a constraint is gone, so wrong rows can come in", explains=False),
    _of("storage runs out", "the storage of the RDS instance runs out", "log held back", explains=False),
    _of("log held back", "something holds the server's log back, and the disk fills up", explains=False),
    _of("upkeep missing", "the database lacks upkeep, so queries grow slow", "long query", explains=False),
    _of("replica behind", "a replica is behind, so what is read there is old", explains=False),
    _of("application slow", "the application is slow", explains=False),
    _of("database slow", "the database is slow", explains=False),
    _of("backups gone", "backups are gone: nothing is hurt yet, but nothing could be restored", "backups at risk",
        explains=False),
    _of("secrets exposed", "secrets on a host can be read by others", explains=False),
    _of("secret gone", "a secret is gone: what starts next starts without it", "secret wrong", explains=False),
    _of("log not archived", "the server's log is not archived: what is new could be lost", explains=False),
    _of("backups out of reach", "the store of the backups does not answer: nothing could be restored now",
        "backups at risk", "log not archived", explains=False),
    _of("exposed", "strangers can get at data", explains=False),
    _of("instance changed", "the RDS instance was changed", explains=False),
    _of("group set otherwise", "the auto-scaling group is not set as the policy wants it", explains=False),
    _of("code at risk", "the code is not to be had where it should be", explains=False),
    _of("backups at risk", "the backups are not safe from being deleted", explains=False),
    _of("log lost", "the application's log is not written where it should be", explains=False),
    _of("statements fail", "many statements fail in the database", explains=False),
    _of("errors logged", "the application logs errors", explains=False),
)  # fmt: skip
"""Roots first. Those that hurt users stand before those that hurt nobody yet."""
HARMLESS = frozenset(cause.sign for cause in CAUSES if not cause.explains)
UNNOTICED = frozenset(
    {"backups gone", "backups at risk", "secret gone", "secret wrong", "secrets exposed", "log not archived",
     "log lost", "log held back", "backups out of reach", "exposed", "instance changed", "group set otherwise",
     "code at risk", "storage runs out", "processes pile up"}
)  # fmt: skip
"""What hurts nobody before something else happens."""
SIGNS = frozenset(cause.sign for cause in CAUSES) | FOLLOWS_DOWN | {"hangs"}
SUMMARY_SHOWN = 220
LISTED = 3


@dataclass(frozen=True)
class Guess:
    """In words; `beside` are titles of bad findings that it does not explain."""

    words: str
    beside: tuple[str, ...] = ()


def guess_cause(findings: Sequence[Finding]) -> Guess | None:
    """None where nothing is wrong. What hurts users weighs before what does not, critical findings before warnings."""
    bad = [one for one in findings if one.state in ("critical", "warning")]
    if not bad:
        return _tell_hanging(findings)
    suspects = {cause.sign for cause in CAUSES if cause.needs}
    critical = [one for one in bad if one.state == "critical" or suspects & set(one.signs)]
    hurting = [cause for cause in CAUSES if cause.explains]
    seen = {one.check: one.signs for one in findings if one.state != "unknown"}
    noticed = [cause for cause in CAUSES if cause.sign not in UNNOTICED]
    tries = [(among, causes) for causes in (hurting, noticed, CAUSES) for among in (critical, bad)]
    found = next(filter(None, (_find(among, causes, seen) for among, causes in tries)), None)
    if found is None:
        titles = ", ".join(one.title for one in bad[:LISTED])
        if len(bad) == 1:
            return Guess(f"The likeliest cause is unknown: only “{titles}” is not as it should be.")
        return Guess(f"The likeliest cause is unknown: {len(bad)} findings, and none explains the others ({titles}).")
    cause, root = found
    beside = tuple(one.title for one in bad if one is not root and _may_hurt(one) and not _explains(cause, one))
    because = cut(root.summary.rstrip("."), SUMMARY_SHOWN)
    begin = "Nothing that users would notice" if cause.sign in UNNOTICED else "Most likely"
    return Guess(f"{begin}: {cause.words}, because “{root.title}” says: {because}.", beside)


def sort_by_weight(findings: Iterable[Finding]) -> list[Finding]:
    """Nearer to a root first, where they are equally bad; those that speak of none last."""
    rank = {cause.sign: number for number, cause in enumerate(CAUSES)}
    return sorted(
        findings, key=lambda one: (one.check in ECHOES, min((rank.get(sign, 999) for sign in one.signs), default=999))
    )


def _find(
    findings: Sequence[Finding], causes: Iterable[Cause], seen: Mapping[str, Sequence[str]]
) -> tuple[Cause, Finding] | None:
    """The first cause in the table that was seen, and whoever saw it: with evidence of its own before an echo.

    `seen`: what each check that could look saw, by its name.
    """
    for cause in causes:
        holders = [one for one in findings if cause.sign in one.signs and not _is_hearsay(one, cause.sign, seen)]
        if holders and (not cause.needs or any(_explains(cause, one) for one in findings if one not in holders)):
            return cause, min(holders, key=lambda one: (one.check in ECHOES, one.state != "critical", one.check))
    return None


def _is_hearsay(finding: Finding, sign: str, seen: Mapping[str, Sequence[str]]) -> bool:
    """A log goes on telling of what is over: whoever looks at the thing itself, and sees no such thing, is believed."""
    witness = WITNESSES.get(sign, "")
    return finding.check in ECHOES and witness in seen and sign not in seen[witness]


ECHOES = ("application_log", "application_paths", "application_health", "secrets_database_login")
"""Those that hear of it from others: their word counts, but the one who looked itself is quoted."""
WITNESSES = {
    **dict.fromkeys(("database gone", "database down", "database starting", "database hangs"), "database_connectivity"),
    **dict.fromkeys(("password refused", "read only", "role locked out", "tables not found"), "database_login"),
    **dict.fromkeys(("table gone", "column gone", "function gone"), "database_schema"),
    **dict.fromkeys(("numbers taken", "numbers used up"), "database_sequences"),
    "rights gone": "database_permissions",
    "locked": "database_locks",
    "connections used up": "database_connections",
}
"""By sign: the check that looks at it itself."""


def _may_hurt(finding: Finding) -> bool:
    """Whether users may notice it; what they cannot is told where it stands, and is no second cause."""
    return not finding.signs or any(sign not in HARMLESS for sign in finding.signs)


def _explains(cause: Cause, finding: Finding) -> bool:
    """Whether a finding would be so if the cause were true."""
    covered = {cause.sign, *cause.follows, *(FOLLOWS_DOWN if cause.explains else ())}
    return bool(finding.signs) and any(sign in covered for sign in finding.signs)


def _tell_hanging(findings: Sequence[Finding]) -> Guess | None:
    hanging = [one.title for one in findings if "hangs" in one.signs]
    if not hanging:
        return None
    names = ", ".join(hanging[:LISTED])
    return Guess(
        f"The likeliest cause is unknown: {show_count(len(hanging), 'system does', 'systems do')} not answer ({names})."
    )
