"""Logins, kept as files in a folder; without one in memory, where a restart ends them, which the document accepts."""

from __future__ import annotations

import hashlib
import secrets
from pathlib import Path

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from bot.sandbox.warehouse import passwords
from bot.sandbox.warehouse.pool import Pool

COOKIE = "session"


class Sessions:
    """Who is logged in, by cookie."""

    def __init__(self, pool: Pool, folder: Path | None = None) -> None:
        self._pool, self._folder = pool, folder
        self._users: dict[str, str] = {}

    def user(self, request: Request) -> str | None:
        """Return the name of the user whom the request's cookie belongs to."""
        token = request.cookies.get(COOKIE, "")
        if self._folder is None:
            return self._users.get(token)
        try:
            return self._file(token).read_text(encoding="utf-8")
        except FileNotFoundError:
            return None

    async def log_in(self, request: Request) -> Response:
        """POST /login with the form fields username and password: 200 and a cookie, or 401."""
        form = await request.form()
        username, password = str(form.get("username", "")), str(form.get("password", ""))
        rows = await self._pool.fetch('SELECT password_hash FROM "user" WHERE username = %s AND active', (username,))
        if not rows or not passwords.matches(password, rows[0]["password_hash"]):
            return JSONResponse({"error": "wrong username or password"}, status_code=401)
        token = secrets.token_urlsafe(24)
        self._keep(token, username)
        response = JSONResponse({"user": username})
        response.set_cookie(COOKIE, token, httponly=True, samesite="strict")
        return response

    def _keep(self, token: str, username: str) -> None:
        if self._folder is None:
            self._users[token] = username
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        self._file(token).write_text(username, encoding="utf-8")

    def _file(self, token: str) -> Path:
        """Named by a hash: what a browser sends is no path."""
        assert self._folder is not None
        return self._folder / hashlib.sha256(token.encode()).hexdigest()
