"""Views that the app opens over the page."""

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser import exhibits
from tests.browser.conftest import Visit
from tests.browser.deadline import wait_until
from tests.browser.desk import JONAS, MAYA, PRIYA, TAKEN, Desk


@pytest.fixture
def form(desk: Desk, browser_page: Page) -> Locator:
    """The form to declare an incident, opened by a slash command."""
    open_form(browser_page)
    desk.heard("command")
    return browser_page.get_by_role("dialog", name="Declare an incident")


def open_form(page: Page) -> None:
    """Ask for the form."""
    box = page.locator(".conversation .composer__text")
    box.fill("/incident declare")
    box.press("Enter")
    expect(page.get_by_role("dialog", name="Declare an incident")).to_be_visible()


def block(form: Locator, block_id: str) -> Locator:
    """A block of the form."""
    return form.locator(f'[data-block="{block_id}"]')


def send(form: Locator) -> None:
    """Press the form's submit button."""
    form.get_by_role("button", name="Declare", exact=True).click()


def pick(form: Locator, block_id: str, *options: str) -> None:
    """Choose in a select of the form."""
    block(form, block_id).get_by_role("button").click()
    for option in options:
        form.get_by_role("option", name=option).click()
    form.page.keyboard.press("Escape")


def test_the_first_input_has_the_focus(form: Locator) -> None:
    expect(block(form, "title").locator("input")).to_be_focused()


def test_every_input_reaches_the_app(desk: Desk, form: Locator) -> None:
    block(form, "title").locator("input").fill("Bags cannot be scanned")
    block(form, "severity").get_by_role("button").click()
    form.get_by_role("option", name="P1").click()
    block(form, "story").locator("textarea").fill("Line one\nline two")
    pick(form, "people", "Jonas Lindqvist", "Priya Raman")
    pick(form, "rooms", "incidents")
    pick(form, "channels", "general")
    pick(form, "hosts", "db-2")
    block(form, "day").get_by_role("button").click()
    form.get_by_role("button", name="Earlier month").click()
    form.locator(".calendar__day").first.click()
    block(form, "hour").locator("input").fill("14:45")
    block(form, "loss").locator("input").fill("5")
    block(form, "mail").locator("input").fill("ops@example.org")
    block(form, "link").locator("input").fill("https://example.org/board")
    form.get_by_label("Customers").check()
    form.get_by_label("Drill").check()
    send(form)
    values = desk.heard("submission")["view"]["state"]["values"]
    expect(form).to_have_count(0)
    assert values["title"]["title"]["value"] == "Bags cannot be scanned"
    assert values["severity"]["severity"]["selected_option"]["value"] == "P1"
    assert values["story"]["story"]["value"] == "Line one\nline two"
    assert values["people"]["people"]["selected_users"] == [JONAS.id, PRIYA.id]
    assert values["rooms"]["rooms"]["selected_conversations"] == [desk.channel("incidents")]
    assert values["channels"]["channels"]["selected_channels"] == [desk.channel("general")]
    assert [host["value"] for host in values["hosts"]["hosts"]["selected_options"]] == ["db-2"]
    assert values["day"]["day"]["selected_date"].endswith("-01")
    assert values["hour"]["hour"]["selected_time"] == "14:45"
    assert values["loss"]["loss"]["value"] == "5"
    assert values["mail"]["mail"]["value"] == "ops@example.org"
    assert values["link"]["link"]["value"] == "https://example.org/board"
    assert [one["value"] for one in values["tell"]["tell"]["selected_options"]] == ["customers"]
    assert values["kind"]["kind"]["selected_option"]["value"] == "drill"


def test_an_error_of_the_app_stands_beneath_its_field_and_what_was_typed_stays(desk: Desk, form: Locator) -> None:
    title, story = block(form, "title").locator("input"), block(form, "story").locator("textarea")
    title.fill(TAKEN)
    story.fill("A long story that nobody wants to type twice")
    pick(form, "people", "Jonas Lindqvist")
    send(form)
    expect(block(form, "title").get_by_role("alert")).to_have_text("There is an incident of that name already.")
    expect(title).to_have_value(TAKEN)
    expect(title).to_be_focused()
    expect(story).to_have_value("A long story that nobody wants to type twice")
    expect(block(form, "people").locator(".token")).to_contain_text(["Jonas Lindqvist"])
    title.fill("Other bags are missing")
    expect(block(form, "title").get_by_role("alert")).to_be_empty()
    send(form)
    assert desk.heard("submission")["user"]["id"] == MAYA.id


REFUSALS = (
    ("title", "", "fill this in"),
    ("title", "abc", "at least 5 characters"),
    ("loss", "many", "not a whole number"),
    ("loss", "61", "60 or less"),
    ("loss", "-1", "0 or more"),
    ("mail", "nobody", "not an e-mail address"),
    ("link", "example", "not a web address"),
)


def test_what_cannot_be_right_is_refused_before_it_is_sent(desk: Desk, form: Locator) -> None:
    good = {"title": "Bags cannot be scanned", "loss": "", "mail": "", "link": ""}
    for block_id, typed, error in REFUSALS:
        for name, value in {**good, block_id: typed}.items():
            block(form, name).locator("input").fill(value)
        send(form)
        expect(block(form, block_id).get_by_role("alert")).to_contain_text(error)
    expect(form.get_by_role("alert").filter(has_text=".")).to_have_count(1)
    assert desk.seen.empty(), "the app must not hear of a form that is not filled in"


def test_views_are_stacked_updated_and_left_one_by_one(desk: Desk, browser_page: Page) -> None:
    desk.post("summary", blocks=exhibits.SUMMARY)
    browser_page.get_by_role("button", name="Details").click()
    first = browser_page.get_by_role("dialog", name="Details", exact=True)
    first.get_by_role("textbox").fill("keep this")
    first.get_by_role("button", name="What more there is").click()
    second = browser_page.get_by_role("dialog", name="More details")
    second.get_by_role("textbox").fill("typed before the update")
    second.get_by_role("button", name="Refresh", exact=True).click()
    expect(second.get_by_role("button", name="Refreshed")).to_be_visible()
    expect(second.get_by_role("textbox")).to_have_value("typed before the update")
    second.get_by_role("button", name="Back").click()
    expect(first.get_by_role("textbox")).to_have_value("keep this")
    browser_page.keyboard.press("Escape")
    expect(browser_page.get_by_role("dialog")).to_have_count(0)
    wait_until(lambda: not desk.workspace.state.stacks.get(MAYA.id), "the workspace knows that all is closed")


def test_a_view_is_for_the_person_who_asked(desk: Desk, visit: Visit) -> None:
    maya, jonas = visit(), visit(JONAS.id)
    open_form(maya)
    desk.post("for everybody")
    expect(jonas.locator(".message", has_text="for everybody")).to_be_visible()
    expect(jonas.get_by_role("dialog")).to_have_count(0)


def test_a_global_shortcut_is_in_the_composer(desk: Desk, browser_page: Page) -> None:
    browser_page.get_by_role("button", name="Shortcuts").click()
    browser_page.get_by_role("option", name="Declare an incident").click()
    assert desk.heard("shortcut")["callback_id"] == "declare"


def test_a_silent_app_is_told_of_in_the_form(desk: Desk, form: Locator) -> None:
    block(form, "title").locator("input").fill("Bags cannot be scanned")
    desk.disconnect()
    send(form)
    expect(form.get_by_role("alert").filter(has_text="Try again")).to_be_visible()
    expect(block(form, "title").locator("input")).to_have_value("Bags cannot be scanned")
