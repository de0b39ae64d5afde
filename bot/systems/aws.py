"""Clients of AWS, and how calls end: its errors in our words, and which calls may be made again.

Reading is repeated by botocore. A call that changes something is made once: an answer that got lost says nothing about
whether it was carried out, so the caller looks at the world instead. Only where AWS says that it did not even begin
(throttling) is it made again.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Iterable
from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING, Any, TypeVar, cast

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from bot.systems.outcomes import SystemFailed, SystemRefused

if TYPE_CHECKING:
    from collections.abc import Iterator

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])

READING = Config(connect_timeout=5, read_timeout=20, retries={"mode": "standard", "total_max_attempts": 4})
BRIEF = Config(connect_timeout=2, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 1})
"""For reading from a region that may be gone: its absence is to be noticed in seconds."""
ACTING = Config(connect_timeout=5, read_timeout=60, retries={"mode": "standard", "total_max_attempts": 1})

THROTTLED = ("Throttling", "ThrottlingException", "RequestLimitExceeded", "TooManyRequestsException")
FORBIDDEN = ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation")
WAITS_S = (0.5, 1.0, 2.0, 4.0, 8.0)
SERVER_ERROR = 500


PATIENCE_S = 5.0


def one_at_a_time(function: F, patience_s: float = PATIENCE_S) -> F:
    """Whoever has waited that long does not wait for one that hangs, and goes ahead."""
    lock = Lock()

    @functools.wraps(function)
    def call(*arguments: object, **named: object) -> object:
        mine = lock.acquire(timeout=patience_s)
        try:
            return function(*arguments, **named)
        finally:
            if mine:
                lock.release()

    return cast("F", call)


open_client = one_at_a_time(boto3.client)
"""boto3 makes the first clients safely in one thread only; and the first of a service takes the processor from all
others. Each looks for credentials, which takes seconds where a server's metadata hang: that is waited for side by side.
"""


IAM_NAMES = {"elasticloadbalancing": "elbv2"}
"""What boto3 calls a service that IAM's permissions call otherwise."""


def read_descriptions(permissions: Iterable[str]) -> None:
    """Let boto3 read the descriptions of the services that these are rights of, some 0.3 s for all: a process that has
    not does so when it is in a hurry, and all its threads wait for EC2's, a megabyte of JSON.
    """
    services = {permission.partition(":")[0] for permission in permissions}
    for name in sorted(services):
        nobody = {"aws_access_key_id": "none", "aws_secret_access_key": "none"}  # else credentials are looked for
        client: Any = open_client(IAM_NAMES.get(name, name), region_name="us-east-1", **nobody)  # type: ignore[call-overload]
        client.can_paginate(next(iter(client.meta.method_to_api_mapping)))  # of any operation: it reads of all


class AwsRefused(SystemRefused):
    """AWS did not do it and says why; `code` is its own name for the reason."""

    def __init__(self, what: str, code: str, message: str) -> None:
        self.code = code
        super().__init__(f"AWS refused to {what}: {message} ({code})", _advise(code))


class AwsUnclear(SystemFailed):
    """No answer, or one that says nothing: whether it was done has to be seen in the world."""


def ask(what: str, call: Callable[[], T]) -> T:
    """A call that only reads, on a client with READING. Raises AwsRefused, or AwsUnclear where AWS is away."""
    with _explained(what):
        return call()


def act(what: str, call: Callable[[], T]) -> T:
    """A call that changes something, on a client with ACTING. Raises AwsRefused or AwsUnclear; the latter means: look.

    Throttled calls were not carried out, hence they are made again, for some 15 s.
    """
    for wait_s in WAITS_S:
        try:
            with _explained(what):
                return call()
        except AwsRefused as refusal:
            if refusal.code not in THROTTLED:
                raise
        time.sleep(wait_s)
    with _explained(what):
        return call()


@contextmanager
def _explained(what: str) -> Iterator[None]:
    try:
        yield
    except ClientError as error:
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        code, message = error.response["Error"].get("Code", "?"), error.response["Error"].get("Message", "")
        if status >= SERVER_ERROR:
            raise _unclear(what, f"it answered {status} {code}") from error
        raise AwsRefused(what, code, message.rstrip(".")) from error
    except BotoCoreError as error:
        raise _unclear(what, str(error)) from error


def _unclear(what: str, reason: str) -> AwsUnclear:
    return AwsUnclear(f"AWS was asked to {what} and gave no clear answer: {reason}.", "", "Ask again in a minute.")


def _advise(code: str) -> str:
    if code in FORBIDDEN:
        return "Give the bot's role the permission; `holdfast permissions` prints all that it needs."
    if code in THROTTLED:
        return "Too many calls at once; ask again in a minute."
    return ""
