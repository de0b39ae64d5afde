"""The built-in status page: from public bulletins and outages alone, safe to show, whole at every moment."""

from __future__ import annotations

import os
import re
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import cast
from xml.etree import ElementTree

import boto3
import pytest
from moto import mock_aws

from bot.comms.channels.status_site import StatusSiteChannel, list_rights
from bot.comms.deliveries import ChannelDown, ChannelRefused
from bot.comms.status_site.site import WORKFLOW, Renewals, open_place
from bot.engine import Engine
from bot.outcome import Failed
from bot.policy.channels import StatusSiteSettings
from bot.policy.section import S3Location
from bot.systems.site_files import SiteBucket, SiteFolder, SitePlace
from tests.aws_calls import watch_calls
from tests.unit.comms.newsroom import Newsroom

VOID = {"meta", "link", "br", "hr", "img", "input"}
HOSTILE = "<script>alert(1)</script> & \"quotes\" 'single' </title> {{ product }} ]]> \U0001f4a5"
ATOM = "{http://www.w3.org/2005/Atom}"


class Strict(HTMLParser):
    """Collects what a page consists of; an element that is not closed as it was opened is an error."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.fixture
def place(newsroom: Newsroom) -> SiteFolder:
    settings = newsroom.policy.channels.status_site
    assert settings is not None
    return cast(SiteFolder, open_place(settings))


def build(newsroom: Newsroom, place: SitePlace) -> dict[str, str]:
    newsroom.site.build(place)
    assert isinstance(place, SiteFolder)
    return {one.relative_to(place.path).as_posix(): one.read_text() for one in place.path.rglob("*") if one.is_file()}


def tell_a_story(newsroom: Newsroom) -> int:
    """A day of outage, told in three bulletins."""
    number = newsroom.declare()
    newsroom.publish(number, title=HOSTILE, components={"database": "major_outage"}, impact=HOSTILE)
    newsroom.clock.turn(hours=3)
    newsroom.desk.set_status(number, actor="mei", status="monitoring")
    newsroom.publish(number, text=HOSTILE, components={"database": "degraded_performance"})
    newsroom.clock.turn(hours=1)
    newsroom.desk.resolve(number, actor="mei", text="All is well.")
    newsroom.publish(number)
    return number


def test_before_anything_was_published_all_is_well(newsroom: Newsroom, place: SiteFolder) -> None:
    newsroom.declare("Nobody outside knows")
    files = build(newsroom, place)
    assert set(files) == {"index.html", "history/index.html", "feed.xml", "style.css"}
    page = Strict(files["index.html"])
    assert "All systems operational" in page.text
    assert page.text.count("100.00 % uptime") == len(newsroom.policy.components)
    assert "Nobody outside knows" not in "".join(files.values())


def test_an_incident_is_told_from_its_first_bulletin_to_its_end(newsroom: Newsroom, place: SiteFolder) -> None:
    number = newsroom.declare()
    newsroom.publish(number, title="Scanning is down", components={"database": "major_outage"})
    page = Strict(build(newsroom, place)["index.html"])
    assert [one["class"] for one in page.of("h1")] == ["banner banner--major_outage"]
    assert "Open incidents" in page.text
    newsroom.clock.turn(minutes=30)
    newsroom.publish(number, text="We restore it.", estimated_recovery="13:00 UTC")
    text = Strict(build(newsroom, place)["index.html"]).text
    assert text.index("We restore it.") < text.index("We are looking into it."), "the newest first"
    assert "13:00 UTC" in text
    newsroom.clock.turn(minutes=30)
    newsroom.desk.resolve(number, actor="mei", text="Scanning works.")
    newsroom.publish(number)
    files = build(newsroom, place)
    page = Strict(files["index.html"])
    assert "All systems operational" in page.text
    assert "Open incidents" not in page.text
    assert f"incidents/{number}.html" in [one["href"] for one in page.of("a")]
    own = Strict(files[f"incidents/{number}.html"]).text
    for said in ("We are looking into it.", "We restore it.", "Scanning works.", "Database (PostgreSQL)"):
        assert said in own
    assert "Scanning is down" in Strict(files["history/2026-03.html"]).text
    assert "March 2026" in Strict(files["history/index.html"]).text


def test_uptime_is_shown_in_figures_bars_and_words(newsroom: Newsroom, place: SiteFolder) -> None:
    tell_a_story(newsroom)
    page = Strict(build(newsroom, place)["index.html"])
    (bars,) = [one for one in page.of("svg") if str(one["aria-label"]).startswith("Database")]
    assert bars["role"] == "img"
    figure = f"{int(10_000 * (1 - 3 / (89 * 24 + 16))) / 100:.2f}"
    assert f"{figure} % uptime" in str(bars["aria-label"])
    assert f"{figure} % uptime" in page.text
    assert "1 March 2026: major outage for 3 h, degraded performance for 1 h" in " ".join(page.text.split())
    assert len(page.of("rect")) == 90 * len(newsroom.policy.components)


def test_hostile_words_are_shown_and_do_nothing(newsroom: Newsroom, place: SiteFolder) -> None:
    files = build(newsroom, place) if tell_a_story(newsroom) else {}
    for name, content in files.items():
        if name.endswith(".html"):
            page = Strict(content)
            assert page.of("script") == []
            assert not any(key.startswith("on") or key == "style" for _, found in page.tags for key in found)
            assert HOSTILE in page.text or name == "history/index.html"
    feed = ElementTree.fromstring(files["feed.xml"])
    assert HOSTILE in [one.text for one in feed.iter(f"{ATOM}title")]


def test_words_of_people_stand_in_the_direction_of_their_script(newsroom: Newsroom, place: SiteFolder) -> None:
    hebrew = "\u05e9\u05dc\u05d5\u05dd"
    newsroom.publish(newsroom.declare(), title=hebrew, text=hebrew, impact=hebrew, estimated_recovery=hebrew)
    shown = []
    for content in build(newsroom, place).values():
        shown += re.findall(f"<(\\w+)([^>]*)>(?:<a [^>]*>)?{hebrew}<", content)
    assert {tag for tag, _ in shown if tag != "title"} == {"h1", "h3", "p", "dd", "a"}
    assert all('dir="auto"' in attributes for tag, attributes in shown if tag != "title")


def test_pages_need_nothing_from_elsewhere_and_every_link_leads_somewhere(
    newsroom: Newsroom, place: SiteFolder
) -> None:
    tell_a_story(newsroom)
    files = build(newsroom, place)
    for name, content in files.items():
        assert not re.search(r"url\(|@import", files["style.css"])
        if not name.endswith(".html"):
            continue
        page = Strict(content)
        assert [one["lang"] for one in page.of("html")] == ["en"]
        for landmark in ("header", "main", "footer", "nav", "h1"):
            assert len(page.of(landmark)) == 1, (name, landmark)
        for attributes in [*page.of("a"), *page.of("link")]:
            target = str(attributes["href"])
            assert not re.match(r"[a-z]+:|/", target), f"{name} leads away: {target}"
            if not target.startswith("#"):
                assert os.path.normpath(os.path.join(os.path.dirname(name), target)) in files
        for one in page.of("time"):
            assert re.fullmatch(r"\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}:\d{2}Z)?", str(one["datetime"]))
        assert "All times are in UTC" in page.text


def test_the_feed_is_valid_atom(newsroom: Newsroom, place: SiteFolder) -> None:
    empty = ElementTree.fromstring(build(newsroom, place)["feed.xml"])
    assert empty.findtext(f"{ATOM}updated") == "2026-03-01T12:00:00Z"
    number = tell_a_story(newsroom)
    feed = ElementTree.fromstring(build(newsroom, place)["feed.xml"])
    address = newsroom.policy.channels.status_page_url.rstrip("/")
    assert feed.tag == f"{ATOM}feed"
    (entry,) = feed.findall(f"{ATOM}entry")
    for part in (feed, entry):
        for name in ("id", "title", "updated"):
            assert (part.findtext(f"{ATOM}{name}") or "").strip()
    assert feed.findtext(f"{ATOM}author/{ATOM}name") == newsroom.policy.product
    assert {one.get("rel") for one in feed.findall(f"{ATOM}link")} == {"self", "alternate"}
    assert entry.findtext(f"{ATOM}id") == f"{address}/incidents/{number}.html"
    times = [datetime.fromisoformat(entry.findtext(f"{ATOM}{name}") or "") for name in ("published", "updated")]
    assert times == [newsroom.clock() - timedelta(hours=4), newsroom.clock()]
    assert times[0].tzinfo == UTC


def test_nobody_outside_reads_of_people_drills_or_what_is_private(newsroom: Newsroom, place: SiteFolder) -> None:
    tell_a_story(newsroom)
    drill, private = newsroom.declare("We rehearse"), newsroom.declare("We were broken into")
    for number in (drill, private):
        newsroom.publish(number, components={"application": "major_outage"})
    assert "We were broken into" in build(newsroom, place)["index.html"]
    newsroom.change(drill, drill=True)
    newsroom.change(private, private=True)
    files = build(newsroom, place)
    everything = "".join(files.values())
    assert "We rehearse" not in everything
    assert "We were broken into" not in everything
    assert f"incidents/{private}.html" not in files, "a page that was there before is removed"
    assert "All systems operational" in everything, "their outages do not count either"
    for person in newsroom.policy.people:
        assert person.name not in everything


def test_what_became_part_of_another_is_open_no_more(newsroom: Newsroom, place: SiteFolder) -> None:
    kept, merged = newsroom.declare("The first"), newsroom.declare("The same again")
    newsroom.publish(kept)
    newsroom.publish(merged)
    newsroom.change(merged, merged_into_id=kept)
    files = build(newsroom, place)
    assert len(Strict(files["index.html"]).of("article")) == 1
    assert {"href": f"{kept}.html"} in Strict(files[f"incidents/{merged}.html"]).of("a")


def test_the_same_record_gives_the_same_files_and_others_are_left_alone(newsroom: Newsroom, place: SiteFolder) -> None:
    tell_a_story(newsroom)
    first = build(newsroom, place)
    (place.path / "robots.txt").write_text("mine")
    (place.path / "incidents" / "999.html").write_text("an older page of ours")
    stamps = {one: one.stat().st_mtime_ns for one in place.path.rglob("*.html")}
    again = build(newsroom, place)
    assert again == {**first, "robots.txt": "mine"}
    assert all(one.stat().st_mtime_ns == stamp for one, stamp in stamps.items() if one.exists())
    for one in place.path.rglob("*"):
        if one.is_file():
            one.unlink()
    assert build(newsroom, place) == first, "rebuilt from the rows alone"


def test_a_publication_while_it_is_written_is_in_it(newsroom: Newsroom, place: SiteFolder) -> None:
    class Meanwhile(SiteFolder):
        def put(self, files: object, is_ours: object) -> None:
            super().put(files, is_ours)  # type: ignore[arg-type]
            if not told:
                told.append(newsroom.publish(newsroom.declare(), title="Just now").id)

    told: list[int] = []
    newsroom.site.build(Meanwhile(place.path))
    assert "Just now" in (place.path / "index.html").read_text()


def test_in_a_bucket_it_has_its_types_and_goes_when_it_must(
    newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        client = boto3.client("s3", region_name="us-east-1")
        client.create_bucket(Bucket="status-example")
        location = S3Location(bucket="status-example", prefix="site/")
        settings = StatusSiteSettings(location=location, region="us-east-1")
        place = open_place(settings)
        assert isinstance(place, SiteBucket)
        number = tell_a_story(newsroom)
        with watch_calls("status_site") as rights:
            newsroom.site.build(place)
        expected = {
            "site/index.html": "text/html; charset=utf-8",
            f"site/incidents/{number}.html": "text/html; charset=utf-8",
            "site/style.css": "text/css; charset=utf-8",
            "site/feed.xml": "application/atom+xml; charset=utf-8",
        }
        for key, kind in expected.items():
            head = client.head_object(Bucket="status-example", Key=key)
            assert (head["ContentType"], head["CacheControl"]) == (kind, "public, max-age=30")
        newsroom.change(number, private=True)
        with watch_calls("status_site") as others:
            newsroom.site.build(place)
        channels = newsroom.policy.channels.model_copy(update={"status_site": settings})
        assert rights | others == set(list_rights(newsroom.policy.model_copy(update={"channels": channels})))
        listed = {one["Key"] for one in client.list_objects_v2(Bucket="status-example")["Contents"]}
        assert listed == {"site/index.html", "site/history/index.html", "site/style.css", "site/feed.xml"}
        client.delete_bucket_policy(Bucket="status-example")
        nowhere = SiteBucket("status-nowhere", "site/", "us-east-1")
        channel = StatusSiteChannel(newsroom.site, nowhere)
        told = newsroom.publish(newsroom.declare())
        with pytest.raises(ChannelRefused, match="NoSuchBucket"):
            channel.send(newsroom.parcel(told.id, "status_site"))


def test_a_folder_that_cannot_be_written_is_tried_again(newsroom: Newsroom, tmp_path: Path) -> None:
    (tmp_path / "blocked").write_text("a file where the folder should be")
    channel = StatusSiteChannel(newsroom.site, SiteFolder(tmp_path / "blocked"))
    parcel = newsroom.parcel(newsroom.publish(newsroom.declare()).id, "status_site")
    with pytest.raises(ChannelDown, match="could not be written"):
        channel.send(parcel)
    (tmp_path / "blocked").unlink()
    assert channel.send(parcel)["files"] == 6
    assert channel.send(parcel)["files"] == 6


def test_a_reader_never_meets_half_a_file(
    newsroom: Newsroom, place: SiteFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    build(newsroom, place)
    before = (place.path / "index.html").read_bytes()

    def lose_power(_descriptor: int) -> None:
        raise OSError("no power")

    tell_a_story(newsroom)
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", lose_power)
        with pytest.raises(OSError, match="no power"):
            newsroom.site.build(place)
    assert (place.path / "index.html").read_bytes() == before
    assert list(place.path.rglob(".*")) == [], "nothing half written is left"


def test_renewals_are_one_a_day_and_never_pile_up(newsroom: Newsroom, place: SiteFolder) -> None:
    renewals = Renewals(cast(Engine, newsroom.queue), newsroom.site, place)
    renewals.start()
    for _ in range(5):
        renewals.renew(0)
    waiting = {key: one for key, one in newsroom.queue.taken.items() if one[0] == WORKFLOW and one[2] > 0}
    assert waiting == {f"{WORKFLOW}-2026-03-02": (WORKFLOW, (0,), 12 * 3600.0)}
    assert "All systems operational" in (place.path / "index.html").read_text()
    newsroom.clock.turn(hours=12)
    renewals.renew(0)
    assert f"{WORKFLOW}-2026-03-03" in newsroom.queue.taken


def test_a_renewal_that_fails_is_tried_again_and_the_next_day_all_the_same(newsroom: Newsroom) -> None:
    class Broken:
        def put(self, files: object, is_ours: object) -> None:
            raise Failed("AWS is away.")

    renewals = Renewals(cast(Engine, newsroom.queue), newsroom.site, Broken())
    renewals.renew(0)
    renewals.renew(0)
    keys = [key for key in newsroom.queue.taken if key.startswith(WORKFLOW)]
    assert keys == [f"{WORKFLOW}-2026-03-02", f"{WORKFLOW}-2026-03-01-again-1"]


def test_what_becomes_private_disappears_at_once(newsroom: Newsroom, place: SiteFolder) -> None:
    renewals = Renewals(cast(Engine, newsroom.queue), newsroom.site, place)
    number = newsroom.declare()
    with newsroom.database.write() as session:
        for change in ("updated", "privacy"):
            renewals.incident_changed(session, newsroom.desk.find(number), change)
    assert len([one for one in newsroom.queue.taken.values() if one[0] == WORKFLOW]) == 1
