"""Create, search and delete bags."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from bot.sandbox.warehouse.pool import Pool
from bot.sandbox.warehouse.sessions import Sessions

CREATE = """
INSERT INTO bag (tag, weight_grams, destination, note)
VALUES (coalesce(%s, 'TT-' || lpad(nextval('bag_tag_seq')::text, 9, '0')), %s, %s, %s)
RETURNING id, tag, status::text, weight_grams, destination, note, created_at
"""
SEARCH = """
SELECT id, tag, status::text, weight_grams, destination, note, created_at FROM bag
WHERE strpos(lower(tag), lower(%s)) > 0 OR strpos(lower(destination), lower(%s)) > 0
ORDER BY id DESC LIMIT 50
"""


class NewBag(BaseModel):
    """What a client may say about a bag that it creates."""

    tag: str | None = None
    weight_grams: int = 1000
    destination: str = "Rotterdam"
    note: str | None = None


class Bags:
    """The routes under /api/bags; changing anything takes a login."""

    def __init__(self, pool: Pool, sessions: Sessions) -> None:
        self._pool = pool
        self._sessions = sessions

    async def create(self, request: Request) -> Response:
        """POST /api/bags with JSON {tag?, weight_grams?, destination?, note?}: 201 and the bag."""
        self._require_login(request)
        bag = await _read_bag(request)
        rows = await self._pool.fetch(CREATE, (bag.tag, bag.weight_grams, bag.destination, bag.note))
        return JSONResponse(as_json(rows[0]), status_code=201)

    async def search(self, request: Request) -> Response:
        """GET /api/bags?search=: the newest 50 bags whose tag or destination holds the text."""
        text = request.query_params.get("search", "")
        rows = await self._pool.fetch(SEARCH, (text, text))
        return JSONResponse({"bags": [as_json(row) for row in rows]})

    async def delete(self, request: Request) -> Response:
        """DELETE /api/bags/{id}: 204, or 404 when there is none."""
        self._require_login(request)
        rows = await self._pool.fetch("DELETE FROM bag WHERE id = %s RETURNING id", (request.path_params["id"],))
        return Response(status_code=204) if rows else JSONResponse({"error": "no such bag"}, status_code=404)

    def _require_login(self, request: Request) -> None:
        if self._sessions.user(request) is None:
            raise HTTPException(401, "log in first: POST /login")


def as_json(row: dict[str, Any]) -> dict[str, Any]:
    """Return the row with its times as ISO 8601 text in UTC."""
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in row.items()}


async def _read_bag(request: Request) -> NewBag:
    try:
        return NewBag.model_validate_json(await request.body())
    except ValidationError as error:
        first = error.errors()[0]
        raise HTTPException(422, f"{'.'.join(map(str, first['loc'])) or 'body'}: {first['msg']}") from error
