"""One request of a source, and what it must prove itself with."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NoReturn

from bot.alerts.alert import BadPayload, Unverified, describe


@dataclass(frozen=True)
class Access:
    """What the policy and the environment say about a source: its secret, or the topics that it may use."""

    secret: str = ""
    topic_arns: tuple[str, ...] = ()


@dataclass(frozen=True)
class Call:
    """`headers` by their names in lower case."""

    headers: Mapping[str, str]
    body: bytes
    now: datetime

    def read_json(self) -> dict[str, Any]:
        """The body as a JSON object. Raises `BadPayload` that says what is wrong with it, and where."""
        try:
            payload = json.loads(self.body.decode("utf-8"), parse_constant=_refuse_constant)
        except UnicodeDecodeError as error:
            raise BadPayload(f"The body is not UTF-8 text: byte {error.start + 1} cannot be read.") from error
        except json.JSONDecodeError as error:
            place = f"line {error.lineno}, column {error.colno}"
            raise BadPayload(f"The body is not JSON: {error.msg} ({place}).") from error
        except (RecursionError, ValueError) as error:  # nested a thousand deep, a number of a million digits
            raise BadPayload("The body is JSON that nobody means.") from error
        if not isinstance(payload, dict):
            raise BadPayload(f"The body is {describe(payload)}; it must be an object.")
        return payload

    def require_bearer(self, access: Access) -> None:
        """Raises `Unverified` unless the Authorization header carries the secret."""
        scheme, _, token = self.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not is_same(token.strip(), access.secret):
            raise Unverified("The header Authorization must be `Bearer`, followed by the secret of this source.")


def is_same(given: str, expected: str) -> bool:
    """Compare in a time that tells nothing; an empty secret is nobody's."""
    return bool(expected) and hmac.compare_digest(given.encode("utf-8", "surrogatepass"), expected.encode())


def sign(secret: str, body: bytes) -> str:
    """HMAC-SHA256 of the body, in hexadecimal."""
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def _refuse_constant(name: str) -> NoReturn:
    raise BadPayload(f"The body is not JSON: {name} is no number there.")
