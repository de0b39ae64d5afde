"""Writing and reading messages."""

import re
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Locator, Page, Route, expect

from tests.browser import exhibits
from tests.browser.conftest import Visit
from tests.browser.deadline import wait_until
from tests.browser.desk import ANA, JONAS, MAYA, Desk

NOTE_EVENTS = """
  window.heard = [];
  window.EventSource = class extends EventSource {
    constructor(url) {
      super(url);
      this.addEventListener("message", ({ data }) => window.heard.push(data));
    }
  };
"""


def say(page: Page, text: str) -> None:
    """Type a message and press Enter."""
    box = page.locator(".conversation .composer__text")
    box.fill(text)
    box.press("Escape")
    box.press("Enter")


def message(page: Page, text: str) -> Locator:
    """The message in the channel that holds this text."""
    return page.locator(".conversation .message", has_text=text)


def react(page: Page, text: str, name: str) -> None:
    """Press one of the quick reactions of a message."""
    message(page, text).hover()
    message(page, text).get_by_role("button", name=f"React with {name}").click()


def test_what_one_person_sends_another_sees_without_reloading(desk: Desk, visit: Visit) -> None:
    maya, jonas = visit(), visit(JONAS.id)
    say(maya, "Bags are *gone*")
    expect(message(maya, "Bags are gone").locator("strong", has_text="gone")).to_be_visible()
    expect(message(jonas, "Bags are gone")).to_be_visible()
    expect(message(jonas, "Bags are gone").locator(".message__author")).to_have_text("Maya Okafor")
    expect(maya.locator(".conversation .composer__text")).to_have_value("")


def test_shift_enter_starts_a_new_line_and_enter_sends_both(browser_page: Page) -> None:
    box = browser_page.locator(".composer__text")
    box.press_sequentially("first")
    box.press("Shift+Enter")
    box.press_sequentially("second")
    box.press("Enter")
    expect(message(browser_page, "first")).to_contain_text("first\nsecond", use_inner_text=True)


def test_markup_in_a_message_stays_text(browser_page: Page) -> None:
    say(browser_page, "<img src=x onerror=alert(1)> & <b>bold</b>")
    expect(message(browser_page, "<img src=x onerror=alert(1)> & <b>bold</b>")).to_be_visible()
    expect(browser_page.locator(".message__content img, .message__content b")).to_have_count(0)


def test_consecutive_messages_of_one_author_are_grouped(browser_page: Page) -> None:
    say(browser_page, "one")
    say(browser_page, "two")
    expect(message(browser_page, "two")).to_have_class(re.compile("message--grouped"))
    expect(message(browser_page, "one")).not_to_have_class(re.compile("message--grouped"))
    expect(browser_page.locator(".divider--day")).to_have_text(["Today"])


def test_the_app_edits_and_deletes_a_message_under_the_readers_eyes(desk: Desk, browser_page: Page) -> None:
    ts = desk.post("Step 1 of 3")
    expect(message(browser_page, "Step 1 of 3")).to_be_visible()
    desk.client.chat_update(channel=desk.channel(), ts=ts, text="Step 2 of 3")
    expect(message(browser_page, "Step 2 of 3")).to_be_visible()
    expect(message(browser_page, "Step 1 of 3")).to_have_count(0)
    desk.client.chat_delete(channel=desk.channel(), ts=ts)
    expect(message(browser_page, "Step 2 of 3")).to_have_count(0)


def test_mrkdwn_is_rendered_in_full(desk: Desk, browser_page: Page) -> None:
    desk.post(exhibits.MRKDWN.replace("C0GENERAL", desk.channel()))
    content = message(browser_page, "snake_case_name").locator(".message__content")
    expect(content.locator("strong").first).to_have_text("bold")
    expect(content.locator("em").first).to_have_text("italic")
    expect(content.locator("s")).to_have_text("strike")
    expect(content.locator("code")).to_have_text("code")
    expect(content).to_contain_text("snake_case_name 2*3*4")
    expect(content.locator("blockquote a").first).to_have_attribute("href", "https://example.org/a?b=1&c=2")
    expect(content.locator("blockquote a").last).to_have_attribute("href", "mailto:ops@example.org")
    expect(content.locator("pre")).to_have_text("SELECT count(*) FROM bag\nWHERE lost < 3 -- *not bold*")
    expect(content).to_contain_text("@here")
    expect(content.get_by_role("img", name=":tada:")).to_be_visible()
    expect(content).to_contain_text(":no_such_emoji:")


def test_a_broadcast_that_was_escaped_is_shown_as_written(desk: Desk, browser_page: Page) -> None:
    desk.post("log line says &lt;!channel&gt; and &lt;@U0DBA&gt;")
    shown = message(browser_page, "log line says <!channel> and <@U0DBA>")
    expect(shown).to_be_visible()
    expect(shown.locator(".mention")).to_have_count(0)


def test_mentions_name_people_channels_and_groups_and_mark_oneself(desk: Desk, browser_page: Page) -> None:
    desk.post(f"<@{MAYA.id}> and <@{JONAS.id}> of <!subteam^S0DBA> in <#{desk.channel('incidents')}>")
    mentions = message(browser_page, "Maya").locator(".mention")
    expect(mentions).to_have_text(["@Maya Okafor", "@Jonas Lindqvist", "@dbas", "#incidents"])
    expect(mentions.first).to_have_class(re.compile("mention--me"))
    mentions.nth(1).click()
    expect(browser_page.get_by_role("dialog", name="Jonas Lindqvist")).to_contain_text("Database Admin")
    mentions.last.click()
    expect(browser_page.locator("h1")).to_have_text("incidents")


def test_times_are_in_the_readers_zone(desk: Desk, visit: Visit) -> None:
    maya, jonas = visit(), visit(JONAS.id)
    desk.post("since <!date^1700000000^{date_num} {time}|then>")
    expect(message(maya, "since 2023-11-14 11:13 PM")).to_be_visible()
    expect(message(jonas, "since 2023-11-14 5:13 PM")).to_be_visible()


def test_a_thread_opens_beside_the_channel_and_counts_its_replies(desk: Desk, visit: Visit) -> None:
    maya, jonas = visit(), visit(JONAS.id)
    desk.post("Plan is ready")
    message(maya, "Plan is ready").hover()
    message(maya, "Plan is ready").get_by_role("button", name="Reply in thread").click()
    reply = maya.locator(".panel .composer__text")
    reply.fill("I approve")
    reply.press("Enter")
    expect(maya.locator(".panel .message", has_text="I approve")).to_be_visible()
    expect(message(maya, "I approve")).to_have_count(0)
    line = message(jonas, "Plan is ready").locator(".thread-line")
    expect(line).to_contain_text("1 reply")
    line.click()
    expect(jonas.locator(".panel .message", has_text="I approve")).to_be_visible()
    parent = jonas.locator(".panel .message").first.get_attribute("data-ts")
    desk.client.chat_postMessage(channel=desk.channel(), text="Noted", thread_ts=parent)
    expect(jonas.locator(".panel .message", has_text="Noted")).to_be_visible()
    expect(line).to_contain_text("2 replies")
    jonas.get_by_role("button", name="Close thread").click()
    expect(jonas.locator(".panel")).to_be_hidden()


def test_reactions_are_added_shared_and_taken_back(desk: Desk, visit: Visit) -> None:
    maya, jonas = visit(), visit(JONAS.id)
    desk.post("Done")
    react(maya, "Done", "eyes")
    chip = message(jonas, "Done").get_by_role("button", name="Maya Okafor reacted with :eyes:")
    expect(chip).to_have_text(re.compile("1$"))
    chip.click()
    both = message(maya, "Done").get_by_role("button", name="Maya Okafor, Jonas Lindqvist reacted with :eyes:")
    expect(both).to_have_attribute("aria-pressed", "true")
    both.click()
    expect(message(maya, "Done").get_by_role("button", name="Jonas Lindqvist reacted with :eyes:")).to_be_visible()


def test_any_emoji_can_be_searched_for_a_reaction(desk: Desk, browser_page: Page) -> None:
    desk.post("Restored")
    message(browser_page, "Restored").hover()
    message(browser_page, "Restored").get_by_role("button", name="Add reaction").click()
    browser_page.get_by_role("textbox", name="Search emoji").fill("anch")
    browser_page.get_by_role("button", name="anchor", exact=True).click()
    expect(message(browser_page, "Restored").get_by_role("button", name="reacted with :anchor:")).to_be_visible()


def test_an_ephemeral_message_is_for_one_pair_of_eyes(desk: Desk, visit: Visit) -> None:
    maya, jonas = visit(), visit(JONAS.id)
    desk.client.chat_postEphemeral(channel=desk.channel(), user=MAYA.id, text="You may not approve this")
    expect(message(maya, "You may not approve this")).to_contain_text("Only visible to you")
    desk.post("for everybody")
    expect(message(jonas, "for everybody")).to_be_visible()
    expect(message(jonas, "You may not approve this")).to_have_count(0)


def test_unread_channels_stand_out_until_they_are_read(desk: Desk, browser_page: Page) -> None:
    row = browser_page.locator(".side-row", has_text="incidents")
    desk.post("quiet news", channel="incidents")
    expect(row).to_have_class(re.compile("is-unread"))
    expect(row.locator(".side-row__badge")).to_have_count(0)
    desk.post(f"<@{MAYA.id}> look", channel="incidents")
    expect(row.locator(".side-row__badge")).to_have_text("1")
    expect(browser_page).to_have_title(re.compile(r"^\(1\) general"))
    row.click()
    expect(browser_page.get_by_text("New", exact=True)).to_be_visible()
    expect(row).not_to_have_class(re.compile("is-unread"))
    browser_page.locator(".side-row", has_text="general").click()
    expect(row).not_to_have_class(re.compile("is-unread"))
    wait_until(lambda: read_to_end(desk, "incidents"), "the workspace knows that it was read")


def read_to_end(desk: Desk, name: str) -> bool:
    """Whether Maya has read all of a channel."""
    channel = desk.workspace.state.channels[desk.channel(name)]
    return channel.last_read.get(MAYA.id, "") >= max(channel.messages)


def test_a_text_file_is_previewed_opened_whole_and_downloaded(desk: Desk, browser_page: Page) -> None:
    lines = "".join(f"{number}. fact\n" for number in range(1, 400))
    desk.client.files_upload_v2(channel=desk.channel(), filename="inc-7.md", title="Post-mortem", content=lines)
    card = browser_page.locator(".file", has_text="Post-mortem")
    expect(card.locator(".file__preview")).to_contain_text("8. fact")
    expect(card.locator(".file__preview")).not_to_contain_text("9. fact")
    card.locator(".file__preview").click()
    expect(browser_page.locator("dialog .file__whole")).to_contain_text("399. fact")
    browser_page.keyboard.press("Escape")
    with browser_page.expect_download() as download:
        card.get_by_role("link", name="Download inc-7.md").click()
    assert download.value.suggested_filename == "inc-7.md"
    assert download.value.path().read_text() == lines


def test_an_image_is_shown_and_opens_large(desk: Desk, browser_page: Page) -> None:
    desk.client.files_upload_v2(channel=desk.channel(), filename="graph.png", title="Graph", content=png())
    image = browser_page.locator(".file--picture img")
    expect(image).to_be_visible()
    assert image.evaluate("image => image.decode().then(() => image.naturalWidth)") == 60
    browser_page.get_by_role("button", name="Look at Graph").click()
    expect(browser_page.locator("dialog img.lightbox")).to_be_visible()


def png() -> bytes:
    """A grey picture of 60 by 40 points."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", 60, 40, 8, 0, 0, 0, 0)
    points = zlib.compress((b"\0" + b"\x80" * 60) * 40)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", points) + chunk(b"IEND", b"")


def test_a_file_that_a_person_attaches_is_shared(browser_page: Page) -> None:
    browser_page.locator("input[type=file]").set_input_files(
        {"name": "app.log", "mimeType": "text/plain", "buffer": b"ERROR database is away"}
    )
    expect(browser_page.locator(".file", has_text="app.log")).to_contain_text("ERROR database is away")


def test_pinned_messages_and_bookmarks_are_in_the_header(desk: Desk, browser_page: Page) -> None:
    ts = desk.post("Summary of it all")
    for number in range(30):
        desk.post(f"noise {number}\n\n\n")
    desk.client.pins_add(channel=desk.channel(), timestamp=ts)
    desk.client.bookmarks_add(channel_id=desk.channel(), title="Runbook", type="link", link="https://example.org/r")
    expect(browser_page.get_by_role("link", name="Runbook")).to_have_attribute("href", "https://example.org/r")
    browser_page.get_by_role("button", name="1 pinned").click()
    browser_page.get_by_role("dialog", name="Pinned messages").get_by_role("button", name="Summary of it all").click()
    expect(message(browser_page, "Summary of it all")).to_be_in_viewport()
    expect(message(browser_page, "Summary of it all")).to_contain_text("Pinned")


def test_earlier_messages_come_when_one_scrolls_up(desk: Desk, browser_page: Page) -> None:
    for number in range(70):
        desk.post(f"line {number:03}")
    page = browser_page
    page.reload()
    expect(message(page, "line 069")).to_be_in_viewport()
    expect(message(page, "line 000")).to_have_count(0)
    page.locator(".conversation .timeline__scroller").evaluate("list => list.scrollTo(0, 0)")
    expect(message(page, "line 000")).to_have_count(1)
    expect(message(page, "line 069")).to_have_count(1)


def test_a_reader_of_old_messages_is_not_pulled_to_the_end(desk: Desk, browser_page: Page) -> None:
    for number in range(40):
        desk.post(f"line {number:03}")
    expect(message(browser_page, "line 039")).to_be_in_viewport()
    browser_page.locator(".conversation .timeline__scroller").evaluate("list => list.scrollTo(0, 300)")
    desk.post("the newest")
    jump = browser_page.get_by_role("button", name="New messages")
    expect(jump).to_be_visible()
    expect(message(browser_page, "the newest")).not_to_be_in_viewport()
    jump.click()
    expect(message(browser_page, "the newest")).to_be_in_viewport()


def test_a_permalink_leads_to_its_message(desk: Desk, visit: Visit) -> None:
    ts = desk.post("the decision", channel="incidents")
    link = desk.client.chat_getPermalink(channel=desk.channel("incidents"), message_ts=ts)["permalink"]
    desk.post(f"see <{link}|the decision>")
    page = visit(ANA.id)
    page.get_by_role("link", name="the decision").click()
    expect(page.locator("h1")).to_have_text("incidents")
    page.goto(str(link))
    expect(page.locator("h1")).to_have_text("incidents")
    expect(message(page, "the decision")).to_be_in_viewport()


def test_news_missed_while_the_line_was_lost_are_fetched(desk: Desk, browser_page: Page) -> None:
    expect(browser_page.locator("#lost")).to_be_hidden()
    desk.workspace.run(close_streams(desk))
    expect(browser_page.locator("#lost")).to_be_visible()
    desk.post("posted meanwhile")
    expect(message(browser_page, "posted meanwhile")).to_be_visible()
    expect(browser_page.locator("#lost")).to_be_hidden()


def test_what_is_written_while_the_messages_are_fetched_is_shown(desk: Desk, browser_page: Page) -> None:
    browser_page.add_init_script(NOTE_EVENTS)
    browser_page.reload()
    with held(browser_page, "**/client/messages?*") as requests:
        browser_page.locator(".side-row", has_text="incidents").click()
        request = next_of(browser_page, requests)
        answer = request.fetch()
        desk.post("newer than the answer", channel="incidents")
        browser_page.wait_for_function("heard.some((line) => line.includes('newer than the answer'))")
        request.fulfill(response=answer)
    expect(message(browser_page, "newer than the answer")).to_be_visible()


def test_what_is_written_before_the_line_is_up_is_shown(desk: Desk, browser_page: Page) -> None:
    with held(browser_page, "**/client/events?*") as requests:
        browser_page.reload(wait_until="commit")
        request = next_of(browser_page, requests)
        desk.post("before the line was up")
        request.continue_()
    expect(message(browser_page, "before the line was up")).to_be_visible()


@contextmanager
def held(page: Page, url: str) -> Iterator[list[Route]]:
    """Keep back the requests for this address until the test lets them go; they are put into the list."""
    requests: list[Route] = []

    def keep(request: Route) -> None:
        requests.append(request)

    page.route(url, keep)
    yield requests
    page.unroute(url)


def next_of(page: Page, requests: list[Route]) -> Route:
    """The request that is kept back, once it is there."""
    while not requests:
        page.evaluate("new Promise(requestAnimationFrame)")
    return requests.pop()


async def close_streams(desk: Desk) -> None:
    """End every open stream, as a server that restarts does."""
    desk.workspace.hub.close_all()
