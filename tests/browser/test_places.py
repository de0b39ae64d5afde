"""Finding one's way: commands, people, channels, the app's Home, the stage, a phone."""

import re

from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Visit
from tests.browser.desk import ANA, ELIF, JONAS, MAYA, Desk


def composer(page: Page) -> Locator:
    """Where one writes in the channel."""
    return page.locator(".conversation .composer__text")


def test_the_bare_address_opens_a_channel_as_the_first_person(desk: Desk, browser_page: Page) -> None:
    browser_page.goto(f"{desk.url}/")
    expect(browser_page.locator("h1")).to_have_text("general")
    expect(browser_page.locator(".person-button")).to_contain_text("Maya Okafor")


def test_a_slash_offers_the_commands_with_their_usage(desk: Desk, browser_page: Page) -> None:
    box = composer(browser_page)
    box.press_sequentially("/")
    offers = browser_page.locator(".composer__menu").get_by_role("option")
    expect(offers).to_have_count(3)
    expect(offers.first).to_contain_text("declare|update|status|resolve")
    expect(offers.first).to_contain_text("Run an incident")
    box.press_sequentially("d")
    box.press("ArrowDown")
    box.press("ArrowUp")
    box.press("Tab")
    expect(box).to_have_value("/dr ")
    expect(browser_page.locator(".composer__notice")).to_contain_text("diagnose|backup|restore")
    box.press_sequentially("status")
    box.press("Enter")
    assert desk.heard("command")["text"] == "status"
    answer = browser_page.locator(".message", has_text="Only you see this: status")
    expect(answer).to_contain_text("Only visible to you")


def test_a_command_that_does_not_exist_is_refused_and_kept(browser_page: Page) -> None:
    composer(browser_page).fill("/nonsense now")
    composer(browser_page).press("Enter")
    expect(browser_page.locator(".composer__notice")).to_contain_text("/nonsense is not a command")
    expect(composer(browser_page)).to_have_value("/nonsense now")


def test_an_app_that_does_not_answer_is_told_of(browser_page: Page) -> None:
    composer(browser_page).fill("/deaf hello")
    composer(browser_page).press("Enter")
    failed = browser_page.locator(".message", has_text='/deaf failed with the error "operation_timeout"')
    expect(failed).to_contain_text("Only visible to you")


def test_a_command_in_a_thread_is_refused_as_slack_refuses_it(desk: Desk, browser_page: Page) -> None:
    desk.post("Plan is ready")
    message = browser_page.locator(".message", has_text="Plan is ready")
    message.hover()
    message.get_by_role("button", name="Reply in thread").click()
    reply = browser_page.locator(".panel .composer__text")
    reply.fill("/dr status")
    reply.press("Enter")
    expect(browser_page.locator(".panel .composer__notice")).to_contain_text("cannot be used in a thread")
    assert desk.seen.empty()


def test_people_channels_and_emoji_are_completed(desk: Desk, browser_page: Page) -> None:
    box = composer(browser_page)
    for typed, option in (("@jon", "Jonas Lindqvist"), ("in #inc", "incidents"), ("now :tad", ":tada:")):
        box.press_sequentially(typed)
        browser_page.get_by_role("option", name=option).click()
    expect(box).to_have_value("@jonas in #incidents now :tada: ")
    box.press("Enter")
    sent = browser_page.locator(".message").last
    expect(sent.locator(".mention")).to_have_text(["@Jonas Lindqvist", "#incidents"])
    expect(sent.get_by_role("img", name=":tada:")).to_be_visible()


def test_the_formatting_buttons_wrap_what_is_marked(browser_page: Page) -> None:
    composer(browser_page).fill("gone")
    composer(browser_page).select_text()
    browser_page.get_by_role("button", name="Bold").click()
    expect(composer(browser_page)).to_have_value("*gone*")


def test_a_draft_stays_with_its_channel(browser_page: Page) -> None:
    composer(browser_page).fill("half a thought")
    browser_page.locator(".side-row", has_text="incidents").click()
    expect(composer(browser_page)).to_have_value("")
    browser_page.locator(".side-row", has_text="general").click()
    expect(composer(browser_page)).to_have_value("half a thought")


def test_typing_is_not_disturbed_by_what_arrives(desk: Desk, browser_page: Page) -> None:
    composer(browser_page).press_sequentially("I am wri")
    desk.client.conversations_setTopic(channel=desk.channel(), topic="a *new* topic")
    expect(browser_page.locator(".head-row__topic")).to_have_text("a *new* topic")
    browser_page.keyboard.type("ting")
    expect(composer(browser_page)).to_have_value("I am writing")


def test_one_becomes_somebody_else_and_stays_in_the_channel(desk: Desk, browser_page: Page) -> None:
    browser_page.locator(".side-row", has_text="incidents").click()
    browser_page.locator(".person-button").click()
    menu = browser_page.get_by_role("dialog", name="Who am I")
    expect(menu.locator(".people__row")).to_have_count(6)
    menu.get_by_role("button", name="Jonas Lindqvist").click()
    expect(browser_page.locator(".person-button")).to_contain_text("Database Admin")
    expect(browser_page.locator("h1")).to_have_text("incidents")
    expect(browser_page.locator(".side-row", has_text="lounge")).to_be_visible()
    composer(browser_page).fill("it is me")
    composer(browser_page).press("Enter")
    expect(browser_page.locator(".message", has_text="it is me").locator(".message__author")).to_have_text(
        "Jonas Lindqvist"
    )
    browser_page.reload()
    expect(browser_page.locator(".person-button")).to_contain_text("Jonas Lindqvist")


def test_a_private_channel_is_seen_by_its_members_only(visit: Visit) -> None:
    elif_, ana = visit(ELIF.id), visit(ANA.id)
    expect(elif_.locator(".side-row", has_text="security-desk")).to_be_visible()
    expect(ana.locator(".side-row", has_text="security-desk")).to_have_count(0)


def test_channels_that_the_app_makes_and_archives_come_and_go(desk: Desk, browser_page: Page) -> None:
    channel = desk.client.conversations_create(name="inc-8-disk-full")["channel"]["id"]
    desk.client.conversations_invite(channel=channel, users=MAYA.id)
    row = browser_page.locator(".side-row", has_text="inc-8-disk-full")
    row.click()
    expect(browser_page.locator("h1")).to_have_text("inc-8-disk-full")
    desk.client.conversations_archive(channel=channel)
    expect(browser_page.locator(".foot-note")).to_contain_text("archived")
    browser_page.locator(".side-row", has_text="general").click()
    expect(row).to_have_count(0)


def test_a_channel_is_found_looked_at_and_joined(desk: Desk, browser_page: Page) -> None:
    desk.client.conversations_join(channel=desk.channel("lounge"))
    browser_page.keyboard.press("Control+k")
    browser_page.get_by_role("combobox", name="Jump to a channel or person").fill("loun")
    browser_page.keyboard.press("Enter")
    expect(browser_page.locator("h1")).to_have_text("lounge")
    browser_page.get_by_role("button", name="Join channel").click()
    composer(browser_page).fill("hello")
    composer(browser_page).press("Enter")
    expect(browser_page.locator(".message", has_text="hello")).to_be_visible()


def test_a_person_makes_a_channel(desk: Desk, browser_page: Page) -> None:
    browser_page.get_by_role("button", name="Browse channels").click()
    browser_page.get_by_role("textbox", name="Name of a new channel").fill("war-room")
    browser_page.get_by_role("button", name="Create").click()
    expect(browser_page.locator("h1")).to_have_text("war-room")
    assert MAYA.id in desk.workspace.state.channels[desk.channel("war-room")].members


def test_two_people_write_to_each_other(visit: Visit) -> None:
    maya, jonas = visit(), visit(JONAS.id)
    maya.locator(".side-row", has_text="Jonas Lindqvist").click()
    expect(maya.locator("h1")).to_contain_text("Jonas Lindqvist")
    composer(maya).fill("are you there?")
    composer(maya).press("Enter")
    row = jonas.locator(".side-row", has_text="Maya Okafor")
    expect(row.locator(".side-row__badge")).to_have_text("1")
    row.click()
    expect(jonas.locator(".message", has_text="are you there?")).to_be_visible()


def test_the_apps_home_is_published_and_its_buttons_work(desk: Desk, browser_page: Page) -> None:
    browser_page.locator(".side-row", has_text="Holdfast").click()
    expect(browser_page.locator(".home")).to_contain_text("Good morning")
    browser_page.get_by_role("button", name="Declare an incident").click()
    payload = desk.heard("action")
    assert (payload["actions"][0]["action_id"], payload["view"]["type"]) == ("home_declare", "home")
    browser_page.get_by_role("tab", name="Messages").click()
    expect(browser_page.locator(".home")).to_be_hidden()
    expect(composer(browser_page)).to_be_visible()


def test_the_stage_shows_lights_and_pulls_scenarios(desk: Desk, browser_page: Page) -> None:
    browser_page.locator(".stage-button").click()
    light = browser_page.locator(".light-row", has_text="warehouse")
    expect(light).to_contain_text("50,000 bags")
    expect(light).to_contain_text("OK")
    browser_page.get_by_role("button", name="Lost bags").click()
    expect(browser_page.locator(".toast")).to_contain_text("Deleted 49,388 bags.")
    expect(light).to_contain_text("612 bags")
    expect(browser_page.locator(".stage-button .light")).to_have_class(re.compile("light--down"))
    assert desk.stage.pulled == ["lost-bags"]
    desk.stage.bags = 50_000
    expect(light).to_contain_text("OK")


def test_a_refusal_is_shown_as_a_toast(desk: Desk, browser_page: Page) -> None:
    desk.client.conversations_kick(channel=desk.channel("incidents"), user=MAYA.id)
    desk.workspace.state.channels[desk.channel()].members.pop(MAYA.id)
    composer(browser_page).fill("am I still here?")
    composer(browser_page).press("Enter")
    expect(browser_page.locator(".toast--error")).to_contain_text("You are not in this channel.")
    expect(composer(browser_page)).to_have_value("am I still here?")


def test_a_phone_shows_the_messages_first_and_the_sidebar_behind_a_button(desk: Desk, visit: Visit) -> None:
    page = visit(phone=True)
    ts = desk.post("Read me on the road")
    desk.client.chat_postMessage(channel=desk.channel(), thread_ts=ts, text="in the thread")
    expect(page.locator(".message", has_text="Read me on the road")).to_be_in_viewport()
    expect(page.locator(".sidebar")).not_to_be_in_viewport()
    page.get_by_role("button", name="Open the sidebar").click()
    expect(page.locator(".sidebar")).to_be_in_viewport()
    page.locator(".side-row", has_text="incidents").click()
    expect(page.locator("h1")).to_have_text("incidents")
    expect(page.locator(".sidebar")).not_to_be_in_viewport()
    page.go_back()
    expect(page.locator("h1")).to_have_text("general")
    page.locator(".thread-line").click()
    expect(page.locator(".panel .message", has_text="in the thread")).to_be_in_viewport()
    overflow = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert overflow == 0
