"""Every block and element of Block Kit, shown and used."""

import json
import re
from typing import Any

from playwright.sync_api import Locator, Page, expect

from tests.browser import exhibits
from tests.browser.conftest import Visit
from tests.browser.desk import JONAS, MAYA, PRIYA, Desk


def block(page: Page, block_id: str) -> Locator:
    """A block on the page."""
    return page.locator(f'[data-block="{block_id}"]')


def control(page: Page, action_id: str) -> Locator:
    """An element on the page."""
    return page.locator(f'[data-action="{action_id}"]')


def choose(page: Page, action_id: str, option: str) -> None:
    """Open a select and choose."""
    control(page, action_id).click()
    page.get_by_role("option", name=option).click()


def the_action(desk: Desk, **expected: Any) -> dict[str, Any]:
    """The next action that the app hears; its facts are as expected. The whole payload."""
    payload = desk.heard("action")
    action = payload["actions"][0]
    assert {name: action.get(name) for name in expected} == expected
    return payload


def test_nothing_is_left_unrendered(desk: Desk, browser_page: Page) -> None:
    for blocks in (exhibits.SUMMARY, exhibits.SELECTS, exhibits.RICH):
        ts = desk.post("exhibit", blocks=blocks)
        shown = browser_page.locator(f'.message[data-ts="{ts}"]')
        expect(shown.locator(".block")).to_have_count(len(blocks))
        for text in texts_of(blocks):
            expect(shown).to_contain_text(text)
    expect(browser_page.locator(".unknown-block")).to_have_count(0)


def texts_of(blocks: list[dict[str, Any]]) -> list[str]:
    """The words of plain_text objects that stand on the surface, without their emoji."""
    found = re.findall(r'"plain_text", "text": "((?:[^"\\]|\\.)*)"', json.dumps(without_options(blocks)))
    return [re.sub(r"\s*:[a-z_]+:\s*", "", text) for text in found]


def without_options(value: Any) -> Any:
    """The same without what shows only when it is opened."""
    if isinstance(value, list):
        return [without_options(item) for item in value]
    if not isinstance(value, dict):
        return value
    hidden = {"option_groups", "confirm", "placeholder"} | (
        {"options"} if "select" in str(value.get("type")) else set()
    )
    hidden |= {"options"} if value.get("type") == "overflow" else set()
    return {name: without_options(item) for name, item in value.items() if name not in hidden}


def test_an_unknown_block_is_named_not_dropped(browser_page: Page) -> None:
    text = browser_page.evaluate(
        """async () => {
            const script = document.querySelector('script[type=module]').src;
            const { renderBlocks } = await import(script.replace('main.js', 'blocks.js'));
            return renderBlocks([{ type: 'hologram' }], {}).textContent;
        }"""
    )
    assert "hologram" in text


def test_a_header_fields_and_context_show_their_texts(desk: Desk, browser_page: Page) -> None:
    desk.post("summary", blocks=exhibits.SUMMARY)
    expect(browser_page.locator(".block--header")).to_contain_text("INC-7 Bags are missing")
    expect(browser_page.locator(".field")).to_have_count(4)
    expect(browser_page.locator(".field").nth(1)).to_contain_text("@Maya Okafor")
    expect(browser_page.locator(".field").nth(2)).to_contain_text("Nov 14, 2023 at 11:13 PM")
    expect(browser_page.locator(".block--context code")).to_have_text("3f9a1c")
    expect(browser_page.locator("hr.block--divider")).to_have_count(1)


def test_a_button_shows_that_it_works_until_the_app_answers(desk: Desk, browser_page: Page) -> None:
    ts = desk.post("summary", blocks=exhibits.SUMMARY)
    approve = browser_page.get_by_role("button", name="Approve", exact=True)
    approve.click()
    expect(approve).to_have_attribute("aria-busy", "true")
    approve.click(force=True)
    desk.may_answer.set()
    expect(approve).not_to_have_attribute("aria-busy", "true")
    payload = the_action(desk, type="button", action_id="approve", block_id="decide", value="plan-1")
    assert payload["user"]["id"] == MAYA.id
    assert payload["container"]["message_ts"] == ts
    assert desk.seen.empty(), "a second press while the first one works must not count"


def test_a_message_that_changes_under_a_press_is_exchanged_after_it(desk: Desk, browser_page: Page) -> None:
    ts = desk.post("summary", blocks=exhibits.SUMMARY)
    browser_page.get_by_role("button", name="Approve", exact=True).hover()
    browser_page.mouse.down()
    changed = [{**exhibits.SUMMARY[0], "text": {"type": "plain_text", "text": "Changed"}}, *exhibits.SUMMARY[1:]]
    desk.client.chat_update(channel=desk.channel(), ts=ts, text="summary", blocks=changed)
    desk.client.conversations_setTopic(channel=desk.channel(), topic="the change is here")
    expect(browser_page.locator(".head-row__topic")).to_have_text("the change is here")
    expect(browser_page.locator(".block--header")).to_contain_text("INC-7 Bags are missing")
    browser_page.mouse.up()
    expect(browser_page.locator(".block--header")).to_contain_text("Changed")
    desk.may_answer.set()
    assert the_action(desk, type="button", action_id="approve")["container"]["message_ts"] == ts


def test_a_dangerous_button_asks_first(desk: Desk, browser_page: Page) -> None:
    desk.post("summary", blocks=exhibits.SUMMARY)
    restart = browser_page.get_by_role("button", name="Restart", exact=True)
    restart.click()
    question = browser_page.get_by_role("dialog", name="Restart the application?")
    expect(question).to_contain_text("about 5 seconds")
    question.get_by_role("button", name="Not now").click()
    expect(question).to_have_count(0)
    restart.click()
    question.get_by_role("button", name="Restart", exact=True).click()
    the_action(desk, action_id="restart", value="app")
    assert desk.seen.empty(), "what was denied must not be sent"


def test_an_overflow_menu_sends_its_choice(desk: Desk, browser_page: Page) -> None:
    desk.post("summary", blocks=exhibits.SUMMARY)
    choose(browser_page, "more", "Change severity")
    payload = the_action(desk, type="overflow", action_id="more")
    assert payload["actions"][0]["selected_option"]["value"] == "severity"


def test_a_static_select_groups_filters_and_sends(desk: Desk, browser_page: Page) -> None:
    desk.post("selects", blocks=exhibits.SELECTS)
    select = control(browser_page, "backup")
    select.click()
    menu = browser_page.locator(".select-menu")
    expect(menu.locator(".listbox__heading")).to_have_text(["Verified", "Not verified"])
    menu.get_by_role("combobox").fill("12")
    expect(menu.get_by_role("option")).to_have_count(1)
    menu.get_by_role("combobox").press("Enter")
    expect(select).to_contain_text("Backup of 12:00")
    payload = the_action(desk, type="static_select", action_id="backup", block_id="pick-backup")
    assert payload["actions"][0]["selected_option"]["value"] == "backup-12"
    assert payload["state"]["values"]["pick-backup"]["backup"]["selected_option"]["value"] == "backup-12"


def test_selects_of_people_and_places(desk: Desk, browser_page: Page) -> None:
    desk.post("selects", blocks=exhibits.SELECTS)
    incidents = desk.channel("incidents")
    for action_id, option, chosen in (
        ("person", "Priya Raman", {"selected_user": PRIYA.id}),
        ("conversation", "incidents", {"selected_conversation": incidents}),
        ("channel", "incidents", {"selected_channel": incidents}),
    ):
        choose(browser_page, action_id, option)
        the_action(desk, action_id=action_id, **chosen)
        expect(control(browser_page, action_id)).to_contain_text(option)


def test_an_external_select_asks_the_app_for_options(desk: Desk, browser_page: Page) -> None:
    desk.post("selects", blocks=exhibits.SELECTS)
    control(browser_page, "host").click()
    menu = browser_page.locator(".select-menu")
    expect(menu).to_contain_text("Type to search")
    menu.get_by_role("combobox").fill("web")
    menu.get_by_role("option", name="web-1").click()
    payload = the_action(desk, type="external_select", action_id="host")
    assert payload["actions"][0]["selected_option"]["value"] == "web-1"


def test_a_multi_select_adds_and_takes_back(desk: Desk, browser_page: Page) -> None:
    desk.post("selects", blocks=exhibits.SELECTS)
    expect(control(browser_page, "tables").locator(".token")).to_have_text(["bag"])
    control(browser_page, "tables").click()
    browser_page.get_by_role("option", name="bill").click()
    assert [one["value"] for one in desk.heard("action")["actions"][0]["selected_options"]] == ["bag", "bill"]
    browser_page.get_by_role("option", name="bag", exact=True).click()
    assert [one["value"] for one in desk.heard("action")["actions"][0]["selected_options"]] == ["bill"]
    expect(control(browser_page, "tables").locator(".token")).to_have_text(["bill"])


def test_a_date_is_picked_from_a_calendar_with_the_keyboard(desk: Desk, browser_page: Page) -> None:
    desk.post("selects", blocks=exhibits.SELECTS)
    control(browser_page, "day").click()
    expect(browser_page.locator(".calendar strong")).to_have_text("February 2026")
    for key in ("ArrowRight", "ArrowDown", "PageDown", "Enter"):
        browser_page.keyboard.press(key)
    the_action(desk, type="datepicker", action_id="day", selected_date="2026-03-26")
    expect(control(browser_page, "day")).to_contain_text("Mar 26, 2026")


def test_a_time_is_chosen_or_typed(desk: Desk, browser_page: Page) -> None:
    desk.post("selects", blocks=exhibits.SELECTS)
    field = block(browser_page, "pickers").locator(".time__input").first
    expect(field).to_have_value("2:30 PM")
    field.click()
    browser_page.get_by_role("option", name="3:00 PM", exact=True).click()
    the_action(desk, type="timepicker", action_id="hour", selected_time="15:00")
    field.fill("9:05 pm")
    field.press("Enter")
    the_action(desk, action_id="hour", selected_time="21:05")
    expect(field).to_have_value("9:05 PM")


def test_a_moment_is_in_the_zone_of_the_person(desk: Desk, visit: Visit) -> None:
    desk.post("selects", blocks=exhibits.SELECTS)  # 2026-02-18 14:20 UTC
    for person, shown, typed, seconds in (
        (MAYA.id, "3:20 PM", "16:20", 1771424400 + 3600),
        (JONAS.id, "9:20 AM", "10:20", 1771424400 + 3600),
    ):
        page = visit(person)
        field = control(page, "moment").locator(".time__input")
        expect(field).to_have_value(shown)
        field.fill(typed)
        field.press("Enter")
        the_action(desk, type="datetimepicker", action_id="moment", selected_date_time=seconds)


def test_checkboxes_and_radio_buttons(desk: Desk, browser_page: Page) -> None:
    desk.post("selects", blocks=exhibits.SELECTS)
    expect(block(browser_page, "choices")).to_contain_text("by e-mail")
    browser_page.get_by_label("Tell management").check()
    payload = the_action(desk, type="checkboxes", action_id="tell")
    assert [one["value"] for one in payload["actions"][0]["selected_options"]] == ["management"]
    expect(browser_page.get_by_label("Beside the live database")).to_be_checked()
    browser_page.get_by_label("In place").check()
    payload = the_action(desk, type="radio_buttons", action_id="mode")
    assert payload["actions"][0]["selected_option"]["value"] == "in-place"


def test_what_was_chosen_survives_an_update_of_the_message(desk: Desk, browser_page: Page) -> None:
    ts = desk.post("selects", blocks=exhibits.SELECTS)
    choose(browser_page, "backup", "Backup of 06:00")
    desk.heard("action")
    more = [*exhibits.SELECTS, {"type": "section", "text": exhibits.mrkdwn("one line more")}]
    desk.client.chat_update(channel=desk.channel(), ts=ts, text="selects", blocks=more)
    expect(browser_page.locator(".message").last).to_contain_text("one line more")
    expect(control(browser_page, "backup")).to_contain_text("Backup of 06:00")


def test_rich_text_is_shown_as_it_was_meant(desk: Desk, browser_page: Page) -> None:
    desk.post("rich", blocks=exhibits.RICH)
    rich = browser_page.locator(".rich-text")
    expect(rich.locator("ol > li")).to_have_text(["Restore beside the live database", "Compare with the manifest"])
    expect(rich.locator("ul > li")).to_have_text(["row counts <as they are>"])
    expect(rich.locator("blockquote")).to_have_text("Nothing is destroyed by a run.")
    expect(rich.locator("pre")).to_have_text("bag   50,000\nbill   4,120")
    expect(rich.locator("strong")).to_have_text("bold")
    expect(rich.locator("s")).to_have_text("struck")
    expect(rich.locator("time")).to_have_text("Tuesday, November 14th, 2023 11:13 PM")


def test_attachments_have_their_bar_of_colour(desk: Desk, browser_page: Page) -> None:
    desk.post("proof", attachments=exhibits.ATTACHMENTS)
    bars = browser_page.locator(".attachment")
    expect(bars).to_have_count(2)
    colour = bars.first.evaluate("bar => getComputedStyle(bar, '::before').backgroundColor")
    assert colour == "rgb(47, 191, 127)"
    expect(bars.first).to_contain_text("50,000 of 50,000 bags")
    expect(bars.last).to_contain_text("Disk is nearly full")
    expect(bars.last).to_contain_text("4 GB")


def test_a_message_shortcut_hands_the_message_to_the_app(desk: Desk, browser_page: Page) -> None:
    ts = desk.post("the script ran at 14:02")
    shown = browser_page.locator(".message", has_text="14:02")
    shown.hover()
    shown.get_by_role("button", name="More actions").click()
    browser_page.get_by_role("option", name="Add to timeline").click()
    payload = desk.heard("shortcut")
    assert (payload["callback_id"], payload["message"]["ts"]) == ("timeline", ts)
