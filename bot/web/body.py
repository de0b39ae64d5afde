"""The body of a request, as long as it may be: whoever sends it has proven nothing yet."""

from __future__ import annotations

from starlette.requests import ClientDisconnect, Request

BODY_LIMIT_BYTES = 1_000_000


class BodyTooLarge(Exception):
    """More was sent than is ever needed."""


class BodyEndedEarly(Exception):
    """Whoever sent it went away in the middle."""


async def read_body(request: Request) -> bytes:
    """The body, unless it is too long. Raises `BodyTooLarge` as soon as that is known, or `BodyEndedEarly`."""
    too_large = BodyTooLarge(f"The body is larger than {BODY_LIMIT_BYTES:,} bytes.")
    body = bytearray()
    announced = request.headers.get("content-length", "")
    if announced.isdigit() and int(announced) > BODY_LIMIT_BYTES:
        raise too_large
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > BODY_LIMIT_BYTES:
                raise too_large
    except ClientDisconnect as error:
        raise BodyEndedEarly("The body ended early.") from error
    return bytes(body)
