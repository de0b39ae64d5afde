"""What every section of the policy has in common, and the plain kinds of text that its keys hold."""

import re
from ipaddress import ip_address
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from bot.policy.durations import Duration, format_duration


class Section(BaseModel):
    """A part of the policy: immutable, no unknown keys, no silent conversion ("2" is not 2).

    The text under each attribute describes its key; docs/policy.md is made from it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, use_attribute_docstrings=True)


EXAMPLE = "such as https://api.example.com"


def require_web_address(text: str) -> str:
    """Return an https address unchanged, or one with http on this very machine; else raise ValueError.

    What is sent there may be a login or a token, so it is encrypted; and an address is shown, so nobody's login is in
    it. The message has none of it either.
    """
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port
    except ValueError:  # such as http://[, or a password with a / that looks like a port
        host = None
    if not host or parts.scheme not in ("http", "https"):
        raise ValueError(f'"{hide_login(text)}" is not a web address with https:// and a host, {EXAMPLE}')
    if "@" in parts.netloc:
        raise ValueError(f"the address of {host} has a name or password before its @; write it without, {EXAMPLE}")
    if parts.scheme == "http" and not is_loopback(host):
        raise ValueError(f'"{text}" is not encrypted; write it with https://, {EXAMPLE} (http:// for localhost alone)')
    return text


def hide_login(text: str) -> str:
    """Without whatever stands before an @."""
    return text.rpartition("@")[2]


def is_loopback(host: str) -> bool:
    """Whether a host of an address is this very machine, whoever is asked for its name (RFC 6761, 6.3)."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost" or host.lower().endswith(".localhost")


def matching(pattern: str, meaning: str) -> AfterValidator:
    """A check that a text has a certain shape; `meaning` completes the sentence '"…" is not'."""
    shape = re.compile(pattern)

    def require_match(text: str) -> str:
        if shape.fullmatch(text) is None:
            raise ValueError(f'"{text}" is not {meaning}')
        return text

    return AfterValidator(require_match)


REPOSITORY = r"https://[^\s@]+|ssh://([a-z_][a-z0-9_-]*@)?[A-Za-z0-9][^\s@]*|file:///[^\s]+"
"""Without a password or token, which belong into Git's own configuration, and nothing that Git takes for an option."""

KeyPath = tuple[str | int, ...]

Text = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]
Key = Annotated[str, matching(r"[a-z][a-z0-9_]{0,62}", "a key of lower-case letters, digits and _")]
EnvironmentName = Annotated[str, matching(r"[A-Z][A-Z0-9_]*", "the name of an environment variable")]
Email = Annotated[str, matching(r"[^@\s<>,;]+@[^@\s<>,;]+\.[^@\s<>,;]+", "an e-mail address")]
WebAddress = Annotated[str, AfterValidator(require_web_address)]
RepositoryAddress = Annotated[
    str, matching(REPOSITORY, "the address of a repository: https://…, ssh://… or file:///…, without a password")
]
UrlPath = Annotated[str, matching(r"/[^\s?#]*", "the path of a web address, beginning with /")]
AbsolutePath = Annotated[
    str, matching(r"(/(?!\.{1,2}(/|$))[^/\x00-\x1f\x7f]*)+", "an absolute path, beginning with / and without . and ..")
]
Bucket = Annotated[str, matching(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", "the name of an S3 bucket")]
KeyPrefix = Annotated[str, matching(r"[^/\s]\S*/", "an S3 prefix that ends with / and does not begin with it")]
AwsRegion = Annotated[str, matching(r"[a-z]{2}(-[a-z]+)+-[0-9]", "an AWS region such as us-east-1")]
ChannelName = Annotated[
    str, matching(r"[a-z0-9_-]{1,80}", "a channel name: up to 80 lower-case letters, digits, - and _, no #")
]


class DurationRange(Section):
    """How long something takes, from the best case to the worst."""

    at_least: Duration
    """The shortest that is expected."""
    at_most: Duration
    """The longest that is expected."""

    @model_validator(mode="after")
    def check_order(self) -> "DurationRange":
        """Refuse a range that is upside down."""
        if self.at_least > self.at_most:
            raise ValueError("`at_least` is longer than `at_most`")
        return self

    def __str__(self) -> str:
        if self.at_least == self.at_most:
            return format_duration(self.at_most)
        return f"{format_duration(self.at_least)} to {format_duration(self.at_most)}"


class S3Location(Section):
    """A folder in an S3 bucket."""

    bucket: Bucket = Field(examples=["traitortrack-backups"])
    """Name of the bucket."""
    prefix: KeyPrefix = Field(examples=["database/"])
    """What every object key begins with; ends with a slash."""

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.prefix}"
