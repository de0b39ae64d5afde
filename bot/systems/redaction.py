"""Taking secrets out of what programs, servers and errors say, before it is kept or shown."""

from __future__ import annotations

import html
import json
import logging
import re
from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping
from threading import Lock
from urllib.parse import quote, quote_plus, unquote, urlsplit

from pydantic import JsonValue

from bot.systems.row_values import hide_rows

HIDDEN = "[hidden]"
SHORTEST = 6
"""Shorter values are too likely to be ordinary words; the shapes below still find them beside a name or in a URL."""
NAMED_SECRET = re.compile(
    r"(TOKEN|SECRET|PASSWORD|PASSWD|PASSPHRASE|API_?KEY|PRIVATE_KEY|CREDENTIAL|WEBHOOK|_KEY\b|_PASS\b)", re.I
)

OPEN_FIELDS = frozenset({
    "engine", "host", "username", "dbname", "port", "masterarn", "dbInstanceIdentifier", "dbClusterIdentifier",
    "database", "region",
})  # fmt: skip
"""Fields of a database's secret that hold names: to hide those would make every message unreadable. (AWS Secrets
Manager User Guide, JSON structure of secrets; the last two are what people write beside them.)"""
CUT = re.compile(r"…(?=$| \(cut, )")
"""Where `bot.words.cut` has cut a text."""
MISREAD = re.compile(r"[/@?#\[\]]")
"""What ends a password in a URL, unless it is encoded."""
URL_SAFE = str.maketrans("+/", "-_")

NAME = (
    r"[\w-]{0,40}(?:password|passwd|passphrase|pwd|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|credential|"
    r"signature)[\w-]{0,40}"
)
INNER = r"(?<=\\)\"(?:[^\"\\\n]|\\\\(?:\\.|[^\\\n]))*\\\""
"""What is quoted inside of a text that is quoted itself: the quotes are escaped, and those in it twice."""
QUOTED = rf"(?:{INNER}|\"(?:[^\"\\\n]|\\(?:.|$))*(?:\"|$)|'(?:[^'\\\n]|\\(?:.|$)|'')*(?:'|$))"
"""To its end, or where there is none, as in a text that was cut, to that of the line."""

# Bounded where they could begin anywhere: they are given whole logs, which may hold anything.
SHAPES = [
    # What stands between "user:" and "@" in a URL, the last of them where somebody did not encode that sign.
    (
        re.compile(
            r"(?P<kept>\b[a-z][a-z0-9+.-]{0,20}://[^\s:/@]{0,200}:)[^\s@]{1,500}(?:@[^\s@/?#]{1,200}(?=@))*(?P<after>@)",
            re.I,
        ),
        rf"\g<kept>{HIDDEN}\g<after>",
    ),
    (
        re.compile(
            r"(?P<kept>\b[a-z][a-z0-9+.-]{0,20}://[^\s:/@]{0,200}:)(?!\d{1,5}…)[^\s@/…]{1,500}(?=…)", re.I
        ),  # cut in its password
        rf"\g<kept>{HIDDEN}",
    ),
    # --password …, -u user:…, ALTER ROLE … PASSWORD '…', Cookie: …
    (
        re.compile(rf"(?P<kept>(?<![\w-])--?{NAME}\s+)(?:{QUOTED}|[^\s,;&'\"-][^\s,;&'\"]*)", re.I | re.M),
        rf"\g<kept>{HIDDEN}",
    ),
    (re.compile(r"(?P<kept>(?<![\w-])(?:-u|--user|--proxy-user)\s+[^\s:]{1,200}:)\S+"), rf"\g<kept>{HIDDEN}"),
    (re.compile(rf"(?P<kept>\bpassword\s+)E?{QUOTED}", re.I | re.M), rf"\g<kept>{HIDDEN}"),
    (re.compile(r"(?P<kept>\b(?:set-)?cookie:\s*)[^\r\n\"']+", re.I), rf"\g<kept>{HIDDEN}"),
    # password=…, "token": "…", and the like, quoted or not, also inside of another text.
    (
        re.compile(rf"(?P<kept>\b{NAME}(?:\s*=\s*|\\?[\"']\s*:\s*|:\s+)\\?)(?:{QUOTED}|[^\s,;&'\"]+)", re.I | re.M),
        rf"\g<kept>{HIDDEN}",
    ),
    # What libpq could not read of an address: perhaps a part of a password that was not written for a URL.
    (
        re.compile(
            r"(?P<kept>(?:percent-encoded (?:token|value)|URI query parameter|\bin URI(?: \([^)\n]{0,60}\))?|"
            r'missing "=" after)(?::)? ?)"[^"\n]{0,1000}(?:"|$)',
            re.M,
        ),
        rf"\g<kept>{HIDDEN}",
    ),
    (
        re.compile(r"(?P<kept>(?:resolve host|translate host name) ['\"])[^'\"\n]{0,500}@(?P<after>[^'\"@\n]{0,300})"),
        rf"\g<kept>{HIDDEN}@\g<after>",
    ),
    (re.compile(r"\b(?:Bearer|Basic|OAuth)\s+[\w.~+/=-]{8,}", re.I), HIDDEN),
    (re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.S), HIDDEN),
    (re.compile(r"\bxox[a-z]-[\w-]{8,}|\bxapp-[\w-]{8,}"), HIDDEN),  # Slack
    (re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"), HIDDEN),  # AWS
    (re.compile(r"\bgh[a-z]_\w{20,}|\bgithub_pat_\w{20,}|\bglpat-[\w-]{16,}"), HIDDEN),  # GitHub, GitLab
    (re.compile(r"\bSG\.[\w-]{16,}\.[\w-]{16,}"), HIDDEN),  # SendGrid
    (re.compile(r"\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*"), HIDDEN),  # JSON web tokens
]
"""Secrets that are recognised by how they look, whoever they belong to."""


_learned: frozenset[str] = frozenset()
_learning = Lock()


def learn(value: str) -> None:
    """Hide this value from now on, wherever this process shows anything: it has been read, or made, as a secret."""
    global _learned  # noqa: PLW0603 (of the whole process, as its environment is)
    forms = set(_write(*_list_parts(value), _password_of(value), *_list_misread(value)))
    with _learning:  # of two at the same instant neither may be lost
        _learned |= forms


class Redactor:
    """Hides what is known to be secret here, and what looks like a secret."""

    def __init__(self, environment: Mapping[str, str], secret_names: Iterable[str]) -> None:
        """`secret_names` are environment variables whose values are secret besides those that say so by their name."""
        self._values = _collect(environment, frozenset(secret_names))

    def redact(self, text: str) -> str:
        """The text with every secret replaced, and without NUL, which logs have after a crash and no database keeps."""
        values = sorted({*self._values, *_learned}, key=len, reverse=True)
        for value in values:
            text = text.replace(value, HIDDEN)
        text = "…".join(_list_without_beginnings(text, values))
        for shape, replacement in SHAPES:
            text = shape.sub(replacement, text)
        return text.replace("\0", "\ufffd")

    def redact_all(self, value: JsonValue) -> JsonValue:
        """The same for every text in a document; names of fields stay."""
        if isinstance(value, str):
            return self.redact(value)
        if isinstance(value, list):
            return [self.redact_all(one) for one in value]
        if isinstance(value, dict):
            return {name: self.redact_all(one) for name, one in value.items()}
        return value


class RedactingFormatter(logging.Formatter):
    """What another formatter makes of a record, errors with their tracebacks too, without secrets and rows."""

    def __init__(self, inner: logging.Formatter, redactor: Redactor) -> None:
        super().__init__()
        self._inner, self._redactor = inner, redactor

    def format(self, record: logging.LogRecord) -> str:
        return self._redactor.redact(hide_rows(self._inner.format(record)))


def redact_log(redactor: Redactor) -> None:
    """From now on no secret and no row is written by the handlers that the process logs with."""
    for handler in logging.getLogger().handlers:
        handler.setFormatter(RedactingFormatter(handler.formatter or logging.Formatter(), redactor))


def _list_without_beginnings(text: str, values: list[str]) -> Iterator[str]:
    """What stands between the cuts of a text, each without the beginning of a secret that was cut off there."""
    *before, last = CUT.split(text)
    for part in before:
        hidden = max((_count_begun(part, value) for value in values), default=0)
        yield part[: len(part) - hidden] + HIDDEN if hidden else part
    yield last


def _count_begun(part: str, value: str) -> int:
    """How many signs of a secret stand at the end of a text."""
    at = part.find(value[:SHORTEST], max(0, len(part) - len(value)))
    while at >= 0 and not value.startswith(part[at:]):
        at = part.find(value[:SHORTEST], at + 1)
    return len(part) - at if at >= 0 else 0


def _collect(environment: Mapping[str, str], names: frozenset[str]) -> set[str]:
    """The values themselves, and the passwords inside URLs."""
    found: set[str] = set()
    for name, value in environment.items():
        if "://" in value:
            found |= {*_write(_password_of(value), *_list_misread(value))}
        if name in names or NAMED_SECRET.search(name):
            found |= {*_write(*_list_parts(value))}
    return found


def _list_parts(value: str) -> Iterator[str]:
    """A secret, its lines, and what is secret in it where it is a JSON document, as Secrets Manager has them."""
    yield from (value, *value.splitlines())
    try:
        document = json.loads(value) if value.lstrip()[:1] in ("{", "[") else None
    except (ValueError, RecursionError):
        return
    for name, text in _list_texts(document):
        if name not in OPEN_FIELDS:
            yield from (text, *text.splitlines(), _password_of(text))


def _list_texts(document: object, name: str = "") -> Iterator[tuple[str, str]]:
    """Every text of a JSON document, with the name of the field that it stands in."""
    if isinstance(document, str):
        yield name, document
    elif isinstance(document, list):
        for one in document:
            yield from _list_texts(one, name)
    elif isinstance(document, dict):
        for key, one in document.items():
            yield from _list_texts(one, str(key))


def _write(*secrets: str) -> Iterator[str]:
    """Each as it is and decoded, and in the ways in which URLs, JSON, Python, SQL, HTML and base64 write it."""
    for one in {secret for written in secrets for secret in (written, unquote(written))}:
        if len(one) < SHORTEST:  # as such it may be an ordinary word
            continue
        raw = one.encode("utf-8", "surrogateescape")
        yield from (one, quote(raw, safe=""), quote_plus(raw), json.dumps(one)[1:-1], repr(one)[1:-1])
        yield from (json.dumps(one, ensure_ascii=False)[1:-1], one.replace("'", "''"), html.escape(one))
        yield from _write_base64(raw)


def _write_base64(secret: bytes) -> Iterator[str]:
    """The signs that are the same whatever stands before and after it, for each of the three places it can begin at."""
    for shift in range(3):
        first, last = -(-shift * 8 // 6), (shift + len(secret)) * 8 // 6
        written = b64encode(bytes(shift) + secret).decode()[first:last]
        if len(written) >= SHORTEST:
            yield from (written, written.translate(URL_SAFE))


def _list_misread(url: str) -> Iterator[str]:
    """The password of PostgreSQL's where it was not written for a URL, and the pieces that it is torn into then."""
    found = re.match(r"postgres(?:ql)?://[^\s:/@]*:(.*)@", url, re.S)
    if found and MISREAD.search(found[1]):
        yield from (found[1], *MISREAD.split(found[1]))


def _password_of(url: str) -> str:
    try:
        return urlsplit(url).password or ""
    except ValueError:  # no URL after all
        return ""
