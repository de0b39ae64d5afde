"""Logins, kept in memory: users log in again after a restart, which the source document accepts."""

from __future__ import annotations

import secrets

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from bot.sandbox.warehouse import passwords
from bot.sandbox.warehouse.pool import Pool

COOKIE = "session"


class Sessions:
    """Who is logged in, by cookie."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._users: dict[str, str] = {}

    def user(self, request: Request) -> str | None:
        """Return the name of the user whom the request's cookie belongs to."""
        return self._users.get(request.cookies.get(COOKIE, ""))

    async def log_in(self, request: Request) -> Response:
        """POST /login with the form fields username and password: 200 and a cookie, or 401."""
        form = await request.form()
        username, password = str(form.get("username", "")), str(form.get("password", ""))
        rows = await self._pool.fetch('SELECT password_hash FROM "user" WHERE username = %s AND active', (username,))
        if not rows or not passwords.matches(password, rows[0]["password_hash"]):
            return JSONResponse({"error": "wrong username or password"}, status_code=401)
        token = secrets.token_urlsafe(24)
        self._users[token] = username
        response = JSONResponse({"user": username})
        response.set_cookie(COOKIE, token, httponly=True, samesite="strict")
        return response
