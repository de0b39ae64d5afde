"""The incident pages in a real browser: a link opens one, it keeps itself up to date, and nothing in it is blocked."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from bot.app import build_services
from bot.sandbox.ports import free_port
from bot.services import Services
from bot.store.tables import Incident
from bot.web.server import build_web, serve_web
from tests.browser.conftest import DESKTOP, PHONE


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Services]:
    """The bot's own services behind its web server; Slack is not needed for this."""
    port = free_port()
    environment = {
        "HOME": str(tmp_path),
        "PATH": os.environ["PATH"],
        "HOLDFAST_DATABASE_URL": f"sqlite:///{tmp_path / 'holdfast.db'}",
        "HOLDFAST_WEB_URL": f"http://127.0.0.1:{port}",
        "HOLDFAST_WEB_SECRET": "0123456789abcdef" * 4,
    }
    services = build_services(environment)
    with serve_web(build_web(services, None), "127.0.0.1", port):
        yield services
    services.database.close()


@pytest.fixture
def incident(services: Services) -> Incident:
    desk = services.desk
    made = desk.declare(actor="mei", severity="P1", title="Bags cannot be scanned")
    desk.tasks.add(made.id, actor="mei", title="Count the bags in hall 3" + "3" * 200, owner="mei")
    desk.resolve(made.id, actor="mei", text="They can again.")
    services.drafts.draft(made.id)
    return made


@pytest.fixture
def page(browser: Browser, services: Services, incident: Incident) -> Iterator[Page]:
    """Mei's browser, come through her link; a script error or a blocked file fails the test."""
    errors: list[str] = []
    context = browser.new_context(viewport=DESKTOP)
    page = context.new_page()
    page.on("console", lambda line: errors.append(line.text) if line.type == "error" else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    mei = services.policy.person("mei")
    assert mei
    page.goto(services.web_access.make_link(mei, incident.id)[0])
    yield page
    context.close()
    assert not errors, errors


def test_a_page_lives_and_keeps_its_place(page: Page, services: Services, incident: Incident) -> None:
    assert page.url == f"{services.web_access.url}/incidents/{incident.id}"
    assert page.evaluate("document.cookie") == "", "no script sees it"
    draft = page.locator("#draft-text")
    draft.locator("summary").click()
    expect(draft.get_by_role("heading", name="Action Items")).to_be_visible()
    services.desk.note(incident.id, actor="mei", text="The fuse has blown")
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(page.locator("#timeline ~ ol li").first).to_contain_text("The fuse has blown")
    expect(draft.get_by_role("heading", name="Action Items")).to_be_visible()
    page.set_viewport_size(PHONE)
    wider = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wider <= 0, "nothing sticks out on a phone"
