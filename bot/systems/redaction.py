"""Taking secrets out of what programs, servers and errors say, before it is kept or shown."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from urllib.parse import unquote, urlsplit

HIDDEN = "[hidden]"
SHORTEST = 6
"""Shorter values are too likely to be ordinary words; the shapes below still find them beside a name or in a URL."""
NAMED_SECRET = re.compile(r"(TOKEN|SECRET|PASSWORD|PASSWD|PASSPHRASE|API_?KEY|PRIVATE_KEY|CREDENTIAL)", re.I)

SHAPES = [
    # What stands between "user:" and "@" in a URL.
    (re.compile(r"(?P<kept>\b[a-z][a-z0-9+.-]*://[^\s:/@]*:)[^\s@]+(?P<after>@)", re.I), rf"\g<kept>{HIDDEN}\g<after>"),
    # password=…, "token": "…", and the like, quoted or not.
    (
        re.compile(
            r"(?P<kept>\b[\w-]*(?:password|passwd|passphrase|pwd|secret|token|api[_-]?key|access[_-]?key)[\w-]*"
            r"(?:\s*=\s*|[\"']\s*:\s*|:\s+))(?:\"[^\"]*\"|'[^']*'|[^\s,;&'\"]+)",
            re.I,
        ),
        rf"\g<kept>{HIDDEN}",
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


class Redactor:
    """Hides what is known to be secret here, and what looks like a secret."""

    def __init__(self, environment: Mapping[str, str], secret_names: Iterable[str]) -> None:
        """`secret_names` are environment variables whose values are secret besides those that say so by their name."""
        self._values = sorted(_collect(environment, frozenset(secret_names)), key=len, reverse=True)

    def redact(self, text: str) -> str:
        """The text with every secret replaced."""
        for value in self._values:
            text = text.replace(value, HIDDEN)
        for shape, replacement in SHAPES:
            text = shape.sub(replacement, text)
        return text


def _collect(environment: Mapping[str, str], names: frozenset[str]) -> set[str]:
    """The values themselves, and the passwords inside URLs as written and decoded."""
    found: set[str] = set()
    for name, value in environment.items():
        if "://" in value:
            password = _password_of(value)
            found |= {password, unquote(password)}
        if name in names or NAMED_SECRET.search(name):
            found.add(value)
    return {value for value in found if len(value) >= SHORTEST}


def _password_of(url: str) -> str:
    try:
        return urlsplit(url).password or ""
    except ValueError:  # no URL after all
        return ""
