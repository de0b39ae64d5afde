"""Routes that serve the page: one template and its assets, held in memory."""

import hashlib
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.templating import Jinja2Templates

HERE = Path(__file__).parent
TEMPLATES = Jinja2Templates(directory=HERE)
STYLES = (
    *("theme", "controls", "layout", "header", "sidebar", "stage", "messages", "text", "files"),
    *("blocks", "inputs", "composer", "popovers", "dialogs", "phone"),
)
CONTENT_POLICY = "; ".join(
    (
        "default-src 'self'",
        "img-src 'self' data: blob: http: https:",
        "frame-ancestors 'none'",
        "base-uri 'none'",
        "form-action 'none'",
    )
)
KINDS = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
FOREVER = "public, max-age=31536000, immutable"


def page_routes(status_folder: Path | None = None, *, mailbox: str = "") -> list[BaseRoute]:
    """Routes for the workspace's application: GET `/` and the files below `/assets/`.

    The address of a file holds a digest of all of them, so a browser may keep what it has and never mixes versions.
    `status_folder`: what users see, the public status page, shown read-only below `/status/`.
    `mailbox`: the path of the page with e-mails, where there is one; the stage links to it.
    """
    assets = {path.name: path.read_bytes() for path in sorted((HERE / "assets").iterdir())}
    version = hashlib.sha256(b"".join(assets.values())).hexdigest()[:12]
    scripts = [name for name in assets if name.endswith(".js")]

    async def show_page(request: Request) -> Response:
        facts = {
            "base": f"assets/{version}", "scripts": scripts, "styles": STYLES, "person": first_person(request),
            "status": "status/" if status_folder else "",
            "mailbox": mailbox,
        }  # fmt: skip
        headers = {"Content-Security-Policy": CONTENT_POLICY, "Cache-Control": "no-cache"}
        return TEMPLATES.TemplateResponse(request, "page.html", facts, headers=headers)

    async def show_asset(request: Request) -> Response:
        name = request.path_params["name"]
        if name not in assets:
            return Response("There is no such file.", 404, media_type="text/plain")
        return Response(assets[name], media_type=KINDS[Path(name).suffix], headers={"Cache-Control": FOREVER})

    routes = [Route("/", show_page, name="page"), Route(f"/assets/{version}/{{name}}", show_asset, name="asset")]
    return [*routes, Mount("/status", StatusFiles(directory=status_folder, html=True))] if status_folder else [*routes]


class StatusFiles(StaticFiles):
    """Asked for anew each time: it changes while people look."""

    def file_response(self, *arguments: Any, **options: Any) -> Response:
        response = super().file_response(*arguments, **options)
        response.headers["Cache-Control"] = "no-cache"
        return response


def first_person(request: Request) -> str:
    """Whom a visitor is at first: the first person of the workspace that serves the page."""
    users = request.app.state.workspace.state.users.values()
    return next(str(user.id) for user in users if not user.is_bot)
