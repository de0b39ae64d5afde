"""The incident pages as a browser gets them: from the link in Slack to the cookie, and what strangers get instead."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
import requests
from click.testing import CliRunner

from bot.app import build_bolt
from bot.cli import holdfast
from bot.sandbox.actor import wait_for as wait_until
from bot.slack.text import unescape
from bot.store.documents import Finding, SweepStory
from bot.store.tables import ChartPicture, Postmortem, Sweep
from bot.terminal.session import Parts, TerminalSession
from bot.web.server import build_web, serve_web
from tests.integration.handlers.rig import WAIT_S, WEB_URL, Bot, Human, show
from tests.integration.handlers.test_private import MARK, add_recovery, live

pytestmark = pytest.mark.parametrize("running", ["socket"], indirect=True)
STRICT = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


class Browser:
    """Somebody's browser, in which a link of theirs was opened."""

    def __init__(self, address: str, link: str = "") -> None:
        self.address, self.http = address, requests.Session()
        self.arrival = self.get(link.removeprefix(WEB_URL)) if link else None

    def get(self, path: str) -> requests.Response:
        """The cookie is for https, which stands before the bot; here it is carried along without."""
        kept = "; ".join(f"{one.name}={one.value}" for one in self.http.cookies)
        return self.http.get(f"{self.address}{path}", headers={"Cookie": kept}, allow_redirects=False, timeout=20)


@pytest.fixture
def address(bot: Bot) -> Iterator[str]:
    """Where the pages are served."""
    with serve_web(build_web(bot.services, None), "127.0.0.1", 0) as port:
        yield f"http://127.0.0.1:{port}"


def find_link(message: str) -> str:
    found = re.search(rf"<({re.escape(WEB_URL)}[^|>]+)\|", message)
    assert found, message
    return unescape(found[1])


def read_words(answer: requests.Response) -> str:
    """What can be read on a page."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", answer.text)).split())


def test_from_the_button_to_the_page(bot: Bot, mei: Human, address: str) -> None:
    incident, room = live(bot, mei)
    findings = [
        Finding(
            check="a", title="Rows", state="critical", summary="9,000 are gone", evidence=["bag: 1"], normal="10,000"
        ),
        Finding(check="b", title="Locks", state="ok", summary="Nobody waits"),
    ]
    with bot.services.database.write() as session:
        add_recovery(session, bot, incident)
        session.add(
            Sweep(
                incident_id=incident.id, scope="database", requested_by="mei", place="p", findings=findings,
                story=SweepStory(cause="Rows were deleted."),
                started_at=bot.services.desk.clock(),
            )
        )  # fmt: skip
    before = len(mei.told(room))
    mei.press(room, "incident.web")
    (given,) = wait_until("the link", lambda: mei.told(room)[before:] or None, WAIT_S)
    link = find_link(given["text"])
    browser = Browser(address, link)
    arrival = browser.arrival
    assert arrival is not None
    assert arrival.status_code == 303
    assert arrival.headers["Location"] == f"/bot/incidents/{incident.id}"
    cookie = arrival.headers["Set-Cookie"]
    assert all(word in cookie for word in ("HttpOnly", "SameSite=lax", "Secure", "Path=/bot/incidents;"))
    assert urlsplit(link).query.partition("=")[2] not in cookie
    page = browser.get(f"/incidents/{incident.id}")
    assert page.status_code == 200
    assert {name: page.headers[name] for name in STRICT} == STRICT
    assert "frame-ancestors 'none'" in page.headers["Content-Security-Policy"]
    assert "token" not in page.text
    words = read_words(page)
    for part in (
        f"#{incident.id} {MARK} was here", "Private: only its members", "Response", "RTO", "Next update due",
        f"{MARK} update", f"Next steps {MARK}", "DevOps Engineer Mei Tanaka", "Waiting for approval", f"{MARK} task",
        "Failed", "Playbooks", f"https://example.com/{MARK}", f"{MARK} note", "Deliveries",
        "Rows were deleted. critical Rows 9,000 are gone Normal here: 10,000 Evidence bag: 1",
        "1 check is good ok Locks Nobody waits", "got through",
    ):  # fmt: skip
        assert part in words, part
    assert f"#{incident.id} {MARK} was here" in read_words(browser.get("/incidents"))
    bot.settle()


def test_who_is_outside_cannot_tell_a_private_incident_from_none(bot: Bot, mei: Human, address: str) -> None:
    incident, _ = live(bot, mei)
    diego = bot.human("diego")
    browser = Browser(address, find_link(show(diego.ask("web"))))
    hidden, unknown = (browser.get(f"/incidents/{number}") for number in (incident.id, 999_999))
    assert (hidden.status_code, unknown.status_code) == (404, 404)
    assert hidden.text == unknown.text
    assert f'/incidents/{incident.id}"' not in browser.get("/incidents").text
    assert "There is no incident" in show(diego.ask(f"web {incident.id}"))


def test_charts_are_on_the_page_of_those_who_may_see_it(bot: Bot, mei: Human, address: str) -> None:
    incident, _ = live(bot, mei)
    chart = ChartPicture(
        incident_id=incident.id, occasion="declared", series="errors", span_s=3600, requested_by="holdfast", place="p",
        asked_at=bot.services.desk.clock(), title=f"{MARK} errors", alt_text="They rise.", picture=b"PNG",
    )  # fmt: skip
    with bot.services.database.write() as session:
        session.add(chart)
        session.flush()
        markdown = f"![They fall.](chart-{chart.id}.png)"
        session.add(Postmortem(incident_id=incident.id, markdown=markdown, drafted_at=bot.services.desk.clock()))
    path = f"/incidents/{incident.id}/charts/{chart.id}"
    browser = Browser(address, find_link(show(mei.ask(f"web {incident.id}"))))
    page = browser.get(f"/incidents/{incident.id}").text
    assert f'src="/bot{path}" alt="They rise."' in page
    assert f'src="/bot{path}" alt="They fall."' in page, "as the draft names it"
    picture = browser.get(path)
    assert (picture.content, picture.headers["Content-Type"]) == (b"PNG", "image/png")
    assert picture.headers["Cache-Control"] == "no-store"
    assert browser.get(f"/incidents/{incident.id}/charts/{chart.id + 1}").status_code == 404
    outside = Browser(address, find_link(show(bot.human("diego").ask("web"))))
    assert outside.get(path).status_code == 404
    assert Browser(address).get(path).status_code == 401


def test_strangers_get_nothing(bot: Bot, mei: Human, address: str) -> None:
    incident, _ = live(bot, mei)
    stranger = Browser(address)
    for path in ("/incidents", f"/incidents/{incident.id}", "/incidents/enter", "/incidents/enter?token=x.y"):
        answer = stranger.get(path)
        assert answer.status_code == 401, path
        assert MARK not in answer.text
        assert "You need a link of your own" in answer.text
        assert answer.headers["Cache-Control"] == "no-store"
    assert WEB_URL not in show(bot.bystander.ask("web"))
    assert stranger.get("/incidents/style.css").headers["Content-Type"].startswith("text/css")


@pytest.mark.parametrize("rest", ["", "x", "-1", "1e3", "9" * 30, "%2e%2e", "1/2", "١"])
def test_paths_that_are_no_incident_are_not_there(bot: Bot, mei: Human, address: str, rest: str) -> None:
    browser = Browser(address, find_link(show(mei.ask("web"))))
    assert browser.get(f"/incidents/{rest}").status_code == 404


def test_a_link_from_the_terminal(bot: Bot, mei: Human, address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    incident, _ = live(bot, mei)
    monkeypatch.setenv("LOGNAME", "mei")
    session = TerminalSession(Parts(lambda: bot.services, build_bolt))
    said = CliRunner().invoke(holdfast, ["incident", "web", str(incident.id)], obj=session).output
    browser = Browser(address, said.splitlines()[0])
    assert MARK in browser.get(f"/incidents/{incident.id}").text
    assert "for Mei Tanaka alone" in said


def test_what_people_write_is_text(bot: Bot, mei: Human, address: str) -> None:
    hostile = "<script>alert(1)</script> {{ 7 * 7 }} [x](javascript:alert(1)) <img src=x>"
    mei.ask(f"declare P3 {hostile}")
    incident = bot.services.desk.list_recent(1)[0]
    bot.services.desk.note(incident.id, actor="mei", text=hostile)
    bot.services.desk.resolve(incident.id, actor="mei", text=hostile)
    bot.settle()
    page = Browser(address, find_link(show(mei.ask(f"web {incident.id}")))).get(f"/incidents/{incident.id}").text
    assert "Post-mortem draft" in page
    assert page.count("<script") == 1, "our own"
    assert "<img" not in page
    assert 'href="javascript' not in page
    assert page.count("{{ 7 * 7 }}") > 2
