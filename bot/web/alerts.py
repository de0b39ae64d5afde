"""`POST /alerts/{source}`: an alert is kept before it is acknowledged, and nobody waits for Slack."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import sqlalchemy as sa
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bot.alerts.alert import BadPayload, Incoming, Unverified
from bot.alerts.call import Call
from bot.alerts.receiver import NoSecret, Receiver, UnknownSource
from bot.clock import utc_now
from bot.outcome import Failed
from bot.services import Services
from bot.web.body import BodyEndedEarly, BodyTooLarge, read_body

log = logging.getLogger(__name__)

READERS = 8
"""Threads that verify; a source whose certificate is slow to come holds up its own kind at most."""


TURNED_AWAY: dict[type[Exception], int] = {BadPayload: 400, BodyEndedEarly: 400, Unverified: 401, BodyTooLarge: 413}
"""What the source did wrong; anything else is for reasons on our side, and it is to try again (503)."""


class Together:
    """Commits what arrives while a commit is under way as one: a storm costs few transactions."""

    def __init__(self, keep: Callable[[Sequence[Incoming]], None]) -> None:
        self._keep = keep
        self._waiting: list[tuple[list[Incoming], asyncio.Future[None]]] = []
        self._worker: asyncio.Task[None] | None = None
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="alerts-commit")

    async def keep(self, alerts: list[Incoming]) -> None:
        """Returns once they are committed. Raises what the store raises."""
        kept = asyncio.get_running_loop().create_future()
        self._waiting.append((alerts, kept))
        if self._worker is None or self._worker.done():
            self._worker = asyncio.create_task(self._work())
        await kept

    async def _work(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting, []
            await self._commit(batch)

    async def _commit(self, batch: list[tuple[list[Incoming], asyncio.Future[None]]]) -> None:
        try:
            await self._in_thread([alert for alerts, _ in batch for alert in alerts])
        except Exception as error:  # noqa: BLE001 (handed to whoever waits)
            if len(batch) > 1:
                for one in batch:  # one that cannot be kept must not take the others with it
                    await self._commit([one])
            elif not batch[0][1].done():
                batch[0][1].set_exception(error)
            return
        for _, kept in batch:
            if not kept.done():
                kept.set_result(None)

    async def _in_thread(self, alerts: list[Incoming]) -> None:
        await asyncio.get_running_loop().run_in_executor(self._thread, self._keep, alerts)


def alert_routes(services: Services) -> list[Route]:
    """The door for monitoring."""
    receiver = Receiver(services.policy, services.world.environment)
    together = Together(services.alerts.receive)
    readers = ThreadPoolExecutor(max_workers=READERS, thread_name_prefix="alerts-read")

    async def take(request: Request) -> Response:
        name = request.path_params["source"]
        call = Call(dict(request.headers), await read_body(request), utc_now())
        loop = asyncio.get_running_loop()
        alerts = await loop.run_in_executor(readers, receiver.read, name, call)
        if alerts:
            await together.keep(alerts)
        return JSONResponse({"status": "kept", "alerts": len(alerts)}, status_code=202)

    return [Route("/alerts/{source}", _guarded(take), methods=["POST"])]


def _guarded(take: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
    """The one error boundary: what is wrong with a request is said; what is wrong with us asks for another try."""

    async def answer(request: Request) -> Response:
        try:
            return await take(request)
        except UnknownSource as unknown:
            return JSONResponse({"error": str(unknown), "sources": unknown.known}, status_code=404)
        except (BadPayload, BodyEndedEarly, Unverified, BodyTooLarge, NoSecret, Failed) as error:
            return _refuse(error)
        except sa.exc.SQLAlchemyError as error:
            log.exception("alerts could not be kept")
            return _refuse(Failed(f"The alerts were not kept ({type(error).__name__}).", "Send them again."))

    return answer


def _refuse(error: Exception) -> Response:
    status = TURNED_AWAY.get(type(error), 503)
    if status == 503:
        log.warning("alerts cannot be taken: %s", error)
    words = error.words if isinstance(error, Failed) else str(error)
    return JSONResponse({"error": words}, status_code=status)
