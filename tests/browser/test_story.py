"""The whole way in a browser: declare, back up, break, diagnose, restore, approve by two, prove, resolve."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from playwright.sync_api import TimeoutError as PlaywrightTimeout

from bot.sandbox.demo import Sandbox, open_sandbox

PATIENCE_MS = 30_000
DESKTOP, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
Visit = Callable[..., Page]


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with open_sandbox(bags=2_000, furnished=False) as running:
        yield running


@pytest.fixture
def visit_as(browser: Browser, sandbox: Sandbox) -> Iterator[Visit]:
    """The page as a person, in a channel; a script error fails the test."""
    contexts, errors = [], []

    def open_page(person: str, channel: str, *, phone: bool = False) -> Page:
        context = browser.new_context(viewport=PHONE if phone else DESKTOP, has_touch=phone)  # type: ignore[arg-type]
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(30_000)
        page.on("pageerror", lambda error: errors.append(str(error)))
        found = sandbox.workspace.state.channel_named(channel)
        assert found is not None
        page.goto(f"{sandbox.url}/#/{person}/{found.id}")
        expect(page.locator("#app[aria-busy=false]")).to_be_attached()
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert not errors, errors


def take_picture(page: Page, name: str) -> None:
    """Keep a picture for the README where HOLDFAST_PICTURES names a folder."""
    folder = os.environ.get("HOLDFAST_PICTURES")
    if folder:
        page.screenshot(path=Path(folder) / f"{name}.png")


def type_line(page: Page, text: str) -> None:
    box = page.locator(".conversation .composer__text")
    box.fill(text)
    box.press("Enter")


def open_form(page: Page, button: str) -> None:
    """Press it, and once more if nothing came of it: on a busy machine Slack's three seconds are soon over."""
    page.get_by_role("button", name=button).first.click()
    with suppress(PlaywrightTimeout):
        page.get_by_role("dialog").wait_for(timeout=PATIENCE_MS / 4)
        return
    page.get_by_role("button", name=button).first.click()


def approve(page: Page, picture: str = "") -> None:
    """Press Approve, mistype first, then type the name of the target."""
    page.get_by_role("button", name="Approve…").last.click()
    form = page.get_by_role("dialog")
    form.get_by_role("textbox").fill("traitortrak")
    form.get_by_role("button", name="Approve", exact=True).click()
    expect(form).to_contain_text("is not the name of the target")
    form.get_by_role("textbox").fill("traitortrack")
    if picture:
        take_picture(page, picture)
    form.get_by_role("button", name="Approve", exact=True).click()
    expect(form).to_have_count(0)


@pytest.mark.browser
@pytest.mark.timeout(300)
def test_the_whole_way(sandbox: Sandbox, visit_as: Visit) -> None:
    coordinator = visit_as("U0AMARA", sandbox.policy.slack.incidents_channel)
    type_line(coordinator, "/incident declare P1 Bags are missing <!channel> *now*")
    coordinator.get_by_text("#1 Bags are missing <!channel> *now*").first.wait_for(timeout=PATIENCE_MS)
    coordinator.locator(".conversation").get_by_text("inc-1-bags-are-missing").last.click()
    channel = next(one.name for one in sandbox.workspace.state.channels.values() if one.name.startswith("inc-1-"))
    expect(coordinator.get_by_text("Post an update").first).to_be_visible(timeout=PATIENCE_MS)
    take_picture(coordinator, "summary")

    admin = visit_as("U0DIEGO", channel)
    type_line(admin, "/dr backup")
    admin.get_by_text("can be restored from").last.wait_for()
    sandbox.stage.pull("lost-bags")
    type_line(admin, "/dr diagnose")
    expect(admin.get_by_role("button", name="Look again")).to_have_count(2, timeout=2 * PATIENCE_MS)
    expect(admin.get_by_text("Most likely: rows were deleted").last).to_be_visible()
    admin.get_by_text("Most likely: rows were deleted").last.evaluate("it => it.scrollIntoView({block: 'center'})")
    take_picture(admin, "diagnosis")
    open_form(admin, "Restore…")  # one diagnosis was made by itself, before that
    admin.get_by_role("button", name="Make a plan").click(timeout=PATIENCE_MS)
    admin.get_by_text("2 more approvals needed").last.wait_for()

    bystander = visit_as("U0BYSTANDER", channel)
    bystander.get_by_role("button", name="Approve…").last.click()
    bystander.get_by_text("is not among the people of the policy").last.wait_for()
    admin.get_by_role("button", name="Approve…").last.click()
    admin.get_by_text("somebody else must approve it").last.wait_for()

    approve(coordinator)
    phone = visit_as("U0MEI", channel, phone=True)
    take_picture(phone, "approval-on-a-phone")
    approve(phone, "approving-on-a-phone")
    coordinator.get_by_text("Proven").last.wait_for()
    expect(coordinator.get_by_text("Recovery time since detection").last).to_be_visible(timeout=PATIENCE_MS)
    take_picture(coordinator, "proof")

    type_line(coordinator, "/incident resolve All bags are back")
    coordinator.get_by_text("Post-mortem draft of incident #1").first.wait_for(timeout=PATIENCE_MS)
    take_picture(coordinator, "postmortem")
    assert "error" not in {light["state"] for light in sandbox.stage.lights()}


@pytest.mark.browser
@pytest.mark.timeout(300)
def test_an_application_that_dies_is_noticed_without_anybody(sandbox: Sandbox, visit_as: Visit) -> None:
    sandbox.stage.pull("app-down")
    lobby = sandbox.policy.slack.incidents_channel
    page = visit_as("U0MEI", lobby)
    page.get_by_text("TraitorTrack fails its health check").first.wait_for(timeout=PATIENCE_MS)
    expect(page.get_by_role("button", name="Attach to #…")).to_be_visible()
    take_picture(page, "alert-card")
    phone = visit_as("U0AMARA", lobby, phone=True)
    phone.get_by_role("button", name="Declare…").last.click()
    form = phone.get_by_role("dialog")
    expect(form.locator("input").first).to_have_value("TraitorTrack fails its health check")
    take_picture(phone, "alert-declared-on-a-phone")
    form.get_by_role("button", name="Declare", exact=True).click()
    expect(form).to_have_count(0)
    expect(page.locator(".conversation").get_by_text("inc-").last).to_be_visible(timeout=PATIENCE_MS)
    expect(page.get_by_role("button", name="Attach to #…")).to_have_count(0, timeout=PATIENCE_MS)
    take_picture(page, "alert-card-with-its-incident")
    sandbox.stage.pull("app-up")
    expect(page.get_by_text("All resolved").last).to_be_visible(timeout=PATIENCE_MS)
    take_picture(phone, "alert-card-on-a-phone")
