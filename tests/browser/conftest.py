"""A real Chromium on the real workspace's page, with a small app behind it."""

import shutil
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, expect, sync_playwright

from tests.browser.desk import MAYA, Desk, open_desk

BROWSERS = ("chromium", "google-chrome", "google-chrome-stable", "chromium-browser")
NO_BROWSER = "no Chromium or Chrome on this machine"
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
DESKTOP: ViewportSize = {"width": 1280, "height": 800}
PHONE: ViewportSize = {"width": 390, "height": 844}

Visit = Callable[..., Page]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything here needs a browser."""
    for item in items:
        if "tests/browser" in item.path.as_posix():
            item.add_marker(pytest.mark.browser)


def find_browser() -> str | None:
    """The path of an installed Chromium or Chrome."""
    return next((path for path in map(shutil.which, BROWSERS) if path), None)


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """A headless browser for the tests in this folder; a skip with its reason where the machine has none.

    Not for the whole session: its event loop would go on running under tests that may have none.
    """
    path = find_browser()
    if path is None:
        pytest.skip(NO_BROWSER)
    expect.set_options(timeout=10_000)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, headless=True, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def desk() -> Iterator[Desk]:
    """A fresh workspace with the small app connected."""
    with open_desk() as desk:
        yield desk


@pytest.fixture
def visit(browser: Browser, desk: Desk) -> Iterator[Visit]:
    """Open the page as somebody, in a browser profile of its own; a script error fails the test."""
    contexts, errors = [], []

    def open_page(person: str = MAYA.id, channel: str = "general", phone: bool = False) -> Page:
        context = browser.new_context(viewport=PHONE if phone else DESKTOP, has_touch=phone)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda line: errors.append(line.text) if line.type == "error" else None)
        page.goto(f"{desk.url}/#/{person}/{desk.channel(channel)}")
        expect(page.locator("#app[aria-busy=false]")).to_be_attached()
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert not errors, errors


@pytest.fixture
def browser_page(visit: Visit) -> Page:
    """The page as Maya, in #general."""
    return visit()
