"""What can be told of a secret's value without showing it: a placeholder, too short, much shorter than it was.

Nothing of a value is in what these functions give back.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import ip_address

from psycopg.conninfo import conninfo_to_dict

from bot.policy.secret_inventory import Secret as SecretPolicy
from bot.store.documents import Suggestion
from bot.systems.secrets import PREVIOUS, Secret

SHORTEST, SHORTEST_MADE_HERE = 8, 16
"""Characters; a session key that is shorter can be tried out."""
SHRUNK = 3
"""A value that has less than a third of what it had is another kind of value."""
EMPTY = frozenset({"", "{}", "[]", "null"})
PLACEHOLDERS = frozenset({
    "admin", "asdf", "asdfgh", "bar", "changed", "default", "demo", "development", "dummy", "empty", "example",
    "fixme", "foo", "foobar", "hello", "helloworld", "hidden", "letmein", "mysecret", "na", "nil", "none",
    "nopassword", "notset", "null", "pass", "passwd", "password", "placeholder", "qwerty", "redacted",
    "removed", "replaced", "sample", "secret", "secretkey", "supersecret", "tba", "tbd", "temp", "test",
    "test123", "testing", "tmp", "todo", "undefined", "unknown", "unset", "value", "void", "yoursecret",
})  # fmt: skip
SHAPES = re.compile(
    r"<[^<>]*>|\$\{.*\}|\{\{.*\}\}|%\(.*\)s|\[(hidden|redacted|removed|masked|secret)\]|(.)\2*|"
    r"\W*(todo|fixme|tbd|placeholder|change[\W_]*(me|this|it)|replace[\W_]*(me|this|with|it))\b.*|"
    r"(.*[\W_])?(change[\W_]*(me|this)|replace[\W_]*(me|this)|placeholder|x{4,})|"
    r"(your|my|insert|enter|put|add|set)[\W_].*(key|secret|password|token|here|url|value)[\W_]*\d*|"
    r"(0?123456\d*|change[\W_]?me|pass(word|wd)?|secret|test|admin|qwerty)[\W_\d]*",
    re.IGNORECASE | re.DOTALL,
)
LONGEST_PLACEHOLDER = 200
ADDRESS = re.compile(r"[^\s@]+@[^\s@]+\.[^\s@]+")


@dataclass(frozen=True)
class Flaw:
    """What is wrong with a value, in words that follow its name; `certain`: it is no value at all."""

    words: str
    certain: bool


def find_flaw(variable: str, policy: SecretPolicy, text: str, before: str | None = None) -> Flaw | None:
    """None where a value may be right. `before`: the value of the version before, where there is one."""
    bare = text.strip().strip("\"'").strip()
    if bare.lower() in EMPTY:
        return Flaw("is empty", certain=True)
    if is_placeholder(bare, (variable, policy.name)):
        return Flaw("holds a placeholder, or what anybody would guess", certain=True)
    if is_address(bare):
        return None
    shortest = SHORTEST_MADE_HERE if policy.renewal == "random" else SHORTEST
    if len(bare) < shortest:
        words = f"has {len(bare)} characters, fewer than {shortest}: it can be guessed, or is not the whole value"
        return Flaw(words, certain=False)
    old = len(before.strip()) if before and policy.renewal != "database" else 0
    if len(bare) * SHRUNK < old:
        return Flaw(f"has {len(bare)} characters, the version before it {old}: perhaps it was overwritten", False)
    return None


def is_address(text: str) -> bool:
    """Of e-mail: no secret, and short at times."""
    return ADDRESS.fullmatch(text) is not None


def is_placeholder(bare: str, names: Iterable[str] = ()) -> bool:
    """Whether somebody wrote down that a value belongs here, instead of the value; its own name is one, too."""
    squeezed = re.sub(r"[\W_]", "", bare).lower()
    own = {re.sub(r"[\W_]", "", part).lower() for name in names for part in (name, name.rpartition("/")[2])}
    if squeezed in PLACEHOLDERS | own or not squeezed:
        return True
    return len(bare) <= LONGEST_PLACEHOLDER and SHAPES.fullmatch(bare) is not None


def leads_here(url: str) -> bool:
    """Whether a connection URL leads to whatever machine uses it: by no host, a socket, or its own address."""
    host = str(conninfo_to_dict(url).get("host") or "")
    if not host or host.startswith("/") or host.lower().rstrip(".") in ("localhost", "localhost.localdomain"):
        return True
    try:
        found = ip_address(host.strip("[]"))
    except ValueError:
        return host.lower().endswith(".localhost")
    return found.is_loopback or found.is_unspecified


def list_former(secret: Secret) -> list[str]:
    """Versions beside the current one, the likeliest to go back to first: the one before it, then those with a name
    that stays.
    """
    labelled = {version: labels for version, labels in secret.labels.items() if labels and version != secret.current}
    return sorted(labelled, key=lambda version: PREVIOUS not in labelled[version])


def suggest_version(variable: str, version: str) -> Suggestion:
    """The way back to it."""
    return Suggestion(
        action="roll_back_secret", label=f"Go back to the former {variable}",
        parameters={"secret": variable, "version": version},
    )  # fmt: skip
