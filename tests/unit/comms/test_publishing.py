"""Publishing: by those who may, once, what is true now; components change as far as the public was told of them."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from bot.comms.public_record import public_state
from bot.comms.reach import list_reach
from bot.comms.wording import LONGEST, Wording
from bot.incidents.desk import Change
from bot.outcome import Refused
from bot.store.tables import Delivery, Incident, LedgerEntry, Notice
from tests.unit.comms.newsroom import Newsroom

WORSE = {"database": "major_outage"}


def state(newsroom: Newsroom, incident_id: int) -> str:
    with newsroom.database.read() as session:
        return public_state(session, session.get_one(Incident, incident_id))


def deliveries(newsroom: Newsroom, bulletin_id: int) -> set[str]:
    with newsroom.database.read() as session:
        mine = sa.select(Delivery.channel).join(Notice, Notice.id == Delivery.notice_id)
        return set(session.scalars(mine.where(Notice.key == f"bulletin:{bulletin_id}")))


def test_a_draft_goes_out_as_worded_by_a_person_who_may(newsroom: Newsroom) -> None:
    number = newsroom.declare()
    draft = newsroom.bulletins.draft(number, actor="mei")
    assert deliveries(newsroom, draft.id) == set(), "nothing before somebody looked"
    newsroom.clock.turn(minutes=3)
    wording = Wording(title="Scanning is down", text="We restore the database.", components=WORSE)
    told = newsroom.bulletins.publish(draft.id, person=newsroom.publisher, wording=wording)
    assert (told.state, told.decided_by) == ("published", newsroom.publisher.key)
    assert told.statement.title == "Scanning is down"
    assert told.statement.text == "We restore the database."
    assert told.statement.components == WORSE
    assert told.statement.at == newsroom.clock(), "true when it went out, not when it was drafted"
    assert deliveries(newsroom, draft.id) == {"email", "statuspage", "status_site"}
    with newsroom.database.read() as session:
        entry = session.scalars(sa.select(LedgerEntry).where(LedgerEntry.kind == "bulletin.published")).one()
    assert entry.actor == newsroom.publisher.key


def test_who_may_not_publish_changes_nothing(newsroom: Newsroom) -> None:
    draft = newsroom.bulletins.draft(newsroom.declare(), actor="mei")
    with pytest.raises(Refused, match="may publish to the public"):
        newsroom.bulletins.publish(draft.id, person=newsroom.outsider, wording=Wording())
    with pytest.raises(Refused, match="may publish to the public"):
        newsroom.bulletins.discard(draft.id, person=newsroom.outsider)
    assert newsroom.bulletins.find(draft.id).state == "draft"
    assert deliveries(newsroom, draft.id) == set()


def test_pressing_twice_publishes_once_and_says_who_did(newsroom: Newsroom) -> None:
    told = newsroom.publish(newsroom.declare(), title="First")
    with pytest.raises(Refused, match=f"published already by {newsroom.publisher.name}"):
        newsroom.bulletins.publish(told.id, person=newsroom.publisher, wording=Wording(title="Second"))
    with pytest.raises(Refused, match="published already"):
        newsroom.bulletins.find_waiting(told.id)
    assert newsroom.bulletins.find(told.id).statement.title == "First"


def test_a_superseded_draft_says_so(newsroom: Newsroom) -> None:
    number = newsroom.declare()
    old = newsroom.bulletins.draft(number, actor="mei")
    newsroom.desk.update(number, actor="mei", text="It is the disk.")
    with pytest.raises(Refused, match="a newer one took its place"):
        newsroom.bulletins.publish(old.id, person=newsroom.publisher, wording=Wording())
    assert newsroom.bulletins.draft(number, actor="mei").statement.text == "It is the disk."


def test_a_draft_of_another_stage_of_the_incident_is_not_published(newsroom: Newsroom) -> None:
    number = newsroom.declare()
    draft = newsroom.bulletins.draft(number, actor="mei")
    newsroom.change(number, status="resolved", resolved_at=newsroom.clock())
    with pytest.raises(Refused, match="resolved by now"):
        newsroom.bulletins.publish(draft.id, person=newsroom.publisher, wording=Wording())
    assert newsroom.bulletins.draft(number, actor="mei").stage == "resolved", "in place of the one that is out of date"


def test_the_status_is_that_of_the_moment(newsroom: Newsroom) -> None:
    number = newsroom.declare()
    draft = newsroom.bulletins.draft(number, actor="mei")
    newsroom.desk.set_status(number, actor="mei", status="monitoring")
    told = newsroom.bulletins.publish(draft.id, person=newsroom.publisher, wording=Wording())
    assert told.statement.status == "monitoring"


@pytest.mark.parametrize(("columns", "reason"), [({"private": True}, "private"), ({"drill": True}, "drill")])
def test_what_the_public_may_not_know_of_never_goes_out(
    newsroom: Newsroom, columns: dict[str, bool], reason: str
) -> None:
    number = newsroom.declare()
    draft = newsroom.bulletins.draft(number, actor="mei")
    newsroom.change(number, **columns)
    with pytest.raises(Refused, match=reason):
        newsroom.bulletins.publish(draft.id, person=newsroom.publisher, wording=Wording())
    with pytest.raises(Refused, match=reason):
        newsroom.bulletins.draft(number, actor="mei")
    assert deliveries(newsroom, draft.id) == set()
    assert state(newsroom, number).startswith("never published")


@pytest.mark.parametrize(
    ("wording", "words"),
    [
        (Wording(components={"databse": "major_outage"}), "Did you mean database"),
        (Wording(components={"database": "on_fire"}), "state of a component"),
        (Wording(components={"database": "under_maintenance"}), "state of a component"),
        (Wording(title=" \u200b "), "title is missing"),
        (Wording(text=""), "current status is missing"),
        (Wording(impact="x" * (LONGEST + 1)), "impact is too long"),
    ],
)
def test_what_cannot_be_said_is_refused_in_words(newsroom: Newsroom, wording: Wording, words: str) -> None:
    draft = newsroom.bulletins.draft(newsroom.declare(), actor="mei")
    with pytest.raises(Refused) as refusal:
        newsroom.bulletins.publish(draft.id, person=newsroom.publisher, wording=wording)
    assert words.lower() in refusal.value.words.lower()
    assert newsroom.bulletins.find(draft.id).state == "draft"


def test_signs_that_nobody_sees_are_left_out(newsroom: Newsroom) -> None:
    told = newsroom.publish(newsroom.declare(), title="a\x00b\u202e", text="x\x07y\nz", impact="  ")
    assert (told.statement.title, told.statement.text, told.statement.impact) == ("ab", "xy\nz", "")


def test_components_are_remembered_from_one_bulletin_to_the_next_and_only_they_recover(newsroom: Newsroom) -> None:
    number = newsroom.declare()
    newsroom.publish(number, components={"database": "major_outage", "application": "degraded_performance"})
    newsroom.desk.update(number, actor="mei", text="Better.")
    draft = newsroom.bulletins.draft(number, actor="mei")
    assert draft.statement.components == {"database": "major_outage", "application": "degraded_performance"}
    chosen = {"database": "partial_outage", "application": "operational", "email": "operational"}
    told = newsroom.publish(number, components=chosen)
    assert told.statement.components == {"database": "partial_outage", "application": "operational"}
    assert newsroom.outages() == [
        ("database", "major_outage", False),
        ("application", "degraded_performance", False),
        ("database", "partial_outage", True),
    ]
    newsroom.desk.resolve(number, actor="mei", text="Over.")
    told = newsroom.publish(number, components={"email": "major_outage"})
    assert told.statement.components == {"database": "operational"}, "no others, whatever the form says"
    assert [one for one in newsroom.outages() if one[2]] == []


def test_a_component_that_is_named_no_more_recovers(newsroom: Newsroom) -> None:
    number = newsroom.declare()
    newsroom.publish(number, components=WORSE)
    told = newsroom.publish(number, text="It was not the database.", components={"application": "partial_outage"})
    assert told.statement.components == {"database": "operational", "application": "partial_outage"}


def test_the_same_state_again_is_the_same_outage(newsroom: Newsroom) -> None:
    number = newsroom.declare()
    for _ in range(3):
        newsroom.publish(number, text="Still down.", components=WORSE)
    assert newsroom.outages() == [("database", "major_outage", True)]


def test_those_within_open_no_outage(newsroom: Newsroom) -> None:
    number = newsroom.declare()
    newsroom.change(number, components=["database"])
    newsroom.desk.update(number, actor="mei", text="Down.")
    assert newsroom.outages() == [], "told within, not to the public"
    assert newsroom.bulletins.draft(number, actor="mei").statement.components == WORSE


def tell(newsroom: Newsroom, incident_id: int, change: Change) -> None:
    with newsroom.database.write() as session:
        for listener in newsroom.desk.listeners:
            listener(session, session.get_one(Incident, incident_id), change)


def test_for_what_a_merged_incident_impairs_the_other_one_answers(newsroom: Newsroom) -> None:
    kept, merged = newsroom.declare(), newsroom.declare("The same, seen twice")
    newsroom.publish(kept, components=WORSE)
    newsroom.publish(merged, components={"email": "major_outage", "database": "partial_outage"})
    newsroom.desk.merging.merge(merged, actor="mei", into=kept)
    assert newsroom.outages() == [
        ("database", "major_outage", True),
        ("email", "major_outage", True),
        ("database", "partial_outage", False),
    ]
    assert newsroom.publish(merged).statement.components == {}, "it ends without a word about components"
    newsroom.desk.resolve(kept, actor="mei", text="Over.")
    told = newsroom.publish(kept)
    assert told.statement.components == {"database": "operational", "email": "operational"}
    assert [one for one in newsroom.outages() if one[2]] == []


def test_what_became_private_impairs_nothing_in_public(newsroom: Newsroom) -> None:
    number = newsroom.declare()
    newsroom.publish(number, components=WORSE)
    newsroom.change(number, private=True)
    tell(newsroom, number, "privacy")
    assert newsroom.outages() == [("database", "major_outage", False)]


def test_how_it_stands_with_the_public(newsroom: Newsroom) -> None:
    number = newsroom.declare()
    assert state(newsroom, number) == "draft waits"
    newsroom.publish(number)
    assert state(newsroom, number) == "published 12:00 UTC, investigating"
    newsroom.desk.update(number, actor="mei", text="More.")
    assert state(newsroom, number) == "published 12:00 UTC, investigating; a draft waits"
    other = newsroom.declare("Another")
    newsroom.bulletins.discard(newsroom.bulletins.draft(other, actor="mei").id, person=newsroom.publisher)
    assert state(newsroom, other) == "not published"


def test_without_a_draft_one_is_made_from_how_things_stand(newsroom: Newsroom) -> None:
    number = newsroom.declare()
    newsroom.publish(number)
    newsroom.change(number, last_update="The index is being built.", impact="Scans are slow.")
    draft = newsroom.bulletins.draft(number, actor="mei")
    assert (draft.stage, draft.state, draft.statement.text) == ("update", "draft", "The index is being built.")
    assert draft.statement.impact == "Scans are slow."
    assert newsroom.bulletins.draft(number, actor="mei").id == draft.id, "and not another beside it"


def test_the_title_stays_as_the_public_knows_it(newsroom: Newsroom) -> None:
    number = newsroom.declare("disk of db-3 full again")
    newsroom.publish(number, title="Scanning is down")
    newsroom.desk.update(number, actor="mei", text="Better.")
    assert newsroom.bulletins.draft(number, actor="mei").statement.title == "Scanning is down"


def test_who_was_told_at_a_higher_severity_hears_that_it_is_lowered_and_over(newsroom: Newsroom) -> None:
    """Customers hear of P1 and P2 only; one mail about an outage, and then silence, would leave them in it."""
    number = newsroom.declare()
    newsroom.publish(number)
    newsroom.desk.severities.change(number, actor="mei", severity="P3", reason="one gate only")
    assert newsroom.publish(number).audiences == ["users", "customers"]
    assert newsroom.publish(number, text="We go on.").audiences == ["users"]
    newsroom.desk.resolve(number, actor="mei", text="All is well.")
    assert newsroom.publish(number).audiences == ["users", "customers"]


def test_who_heard_of_a_duplicate_hears_of_the_end_of_the_other_one(newsroom: Newsroom) -> None:
    duplicate = newsroom.declare()
    newsroom.publish(duplicate)
    target = newsroom.declare("Gate 3 stands still")
    newsroom.desk.severities.change(target, actor="mei", severity="P3", reason="one gate only")
    newsroom.desk.merging.merge(duplicate, actor="mei", into=target)
    newsroom.desk.resolve(target, actor="mei", text="All is well.")
    assert set(newsroom.publish(target).audiences) == {"users", "customers"}


def test_who_never_heard_of_it_does_not_hear_of_its_end(newsroom: Newsroom) -> None:
    number = newsroom.declare()
    newsroom.desk.severities.change(number, actor="mei", severity="P3", reason="one gate only")
    newsroom.desk.resolve(number, actor="mei", text="All is well.")
    assert newsroom.publish(number).audiences == ["users"]


def test_what_the_public_was_told_of_the_impact_is_not_forgotten(newsroom: Newsroom) -> None:
    number = newsroom.declare()
    newsroom.publish(number, impact="Nobody can scan", next_steps="Promote the standby", estimated_recovery="13:00 UTC")
    newsroom.change(number, next_steps="Check the counts")
    again = newsroom.publish(number, text="We go on.").statement
    assert (again.impact, again.estimated_recovery) == ("Nobody can scan", "13:00 UTC")
    assert again.next_steps == "Check the counts", "what the incident says by now comes first"
    newsroom.change(number, estimated_recovery="13:30 UTC")
    newsroom.desk.resolve(number, actor="mei", text="All is well.")
    end = newsroom.publish(number).statement
    assert (end.impact, end.next_steps, end.estimated_recovery) == ("Nobody can scan", "", ""), "all that was to come"


def test_a_publisher_sees_whom_it_reaches_and_what_is_missing(newsroom: Newsroom) -> None:
    draft = newsroom.bulletins.draft(newsroom.declare(), actor="mei")
    reach = [one.words for one in list_reach(newsroom.bulletins.audiences, {"statuspage": "KEY is not set"}, draft)]
    page = newsroom.policy.channels.status_page_url
    assert reach == [
        f"Users: status page {page}; not on statuspage (KEY is not set)",
        "Customers: e-mail to 1 address",
    ]
