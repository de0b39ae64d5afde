"""Private incidents are not there for those outside; duplicates become one with what they duplicate."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bot.incidents.desk import Desk
from bot.incidents.details import Wanted
from bot.incidents.reading import Reading
from bot.outcome import Refused
from tests.unit.incidents.test_life import declare, last, listen

MARK = "Zebra"


def view(desk: Desk, person: str) -> Reading:
    known = desk.policy.person(person)
    assert known is not None
    return desk.visible_to(known)


def test_a_category_may_be_private_by_itself(desk: Desk) -> None:
    assert desk.find(declare(desk, "A break-in", category="security")).private
    assert not desk.find(declare(desk, "Another", category="security", private=False)).private
    assert desk.find(declare(desk, "Bags", category="database", private=True)).private
    assert not desk.find(declare(desk, "More bags", category="database")).private


def test_members_are_whoever_declared_it_and_whom_the_category_names(desk: Desk) -> None:
    assert desk.members.of(declare(desk, "A break-in", category="security")) == ["amara", "jonas", "mei"]
    assert desk.members.of(declare(desk, "Bags", private=True)) == ["mei"]
    assert desk.members.of(declare(desk, "Open")) == []


def test_for_others_a_private_incident_is_not_there(desk: Desk) -> None:
    number = declare(desk, f"{MARK} was here", private=True)
    desk.note(number, actor="mei", text=f"{MARK} again")
    task = desk.tasks.add(number, actor="mei", title="x").id
    open_one = declare(desk, "Bags")
    diego, mei = view(desk, "diego"), view(desk, "mei")
    for seen in (diego.list_open(), diego.list_recent()):
        assert [one.id for one in seen] == [open_one]
    assert diego.search(MARK) == []
    assert [one.id for one in mei.search(MARK)] == [number]
    unknown = 999
    attempts: tuple[Callable[[int], object], ...] = (
        diego.find,
        diego.timeline,
        lambda n: desk.update(n, actor="diego", text="x"),
        lambda n: desk.note(n, actor="diego", text="x"),
        lambda n: desk.resolve(n, actor="diego"),
        lambda n: desk.severities.change(n, actor="diego", severity="P2", reason="x"),
        lambda n: desk.roles.assign(n, actor="diego", role="database_admin", person="diego"),
        lambda n: desk.details.change(n, actor="diego", wanted=Wanted(impact="x")),
        lambda n: desk.members.add(n, actor="diego", person="diego"),
        lambda n: desk.merging.merge(open_one, actor="diego", into=n),
        lambda n: desk.closing.close(n, actor="diego"),
    )
    for attempt in attempts:
        with pytest.raises(Refused) as hidden:
            attempt(number)
        with pytest.raises(Refused) as missing:
            attempt(unknown)
        assert hidden.value.words == missing.value.words.replace(str(unknown), str(number)), "word by word"
    with pytest.raises(Refused, match=f"There is no task {task}"):
        desk.tasks.finish(task, actor="diego")
    assert declare(desk, f"{MARK} was here", actor="diego") > number, "not even as a twin"


def test_members_come_and_go(desk: Desk) -> None:
    number, told = declare(desk, private=True), listen(desk)
    desk.members.add(number, actor="mei", person="diego")
    assert last(desk, number).text == "Diego Alvarez is a member"
    assert view(desk, "diego").find(number).id == number
    with pytest.raises(Refused, match="is a member already"):
        desk.members.add(number, actor="mei", person="diego")
    desk.members.remove(number, actor="diego", person="mei")
    with pytest.raises(Refused, match="There is no incident"):
        view(desk, "mei").find(number)
    with pytest.raises(Refused, match="is not a member"):
        desk.members.remove(number, actor="diego", person="mei")
    with pytest.raises(Refused, match="is the last member"):
        desk.members.remove(number, actor="diego", person="diego")
    assert told == ["privacy", "privacy"]
    with pytest.raises(Refused, match="is not private"):
        desk.members.add(declare(desk, "Open"), actor="mei", person="diego")


def test_nobody_outside_is_given_anything_to_do(desk: Desk) -> None:
    number = declare(desk, private=True)
    for act in (
        lambda: desk.roles.assign(number, actor="mei", role="database_admin", person="diego"),
        lambda: desk.tasks.add(number, actor="mei", title="x", owner="diego"),
    ):
        with pytest.raises(Refused, match="Diego Alvarez is not a member"):
            act()


def test_two_become_one(desk: Desk) -> None:
    target, duplicate = declare(desk, "Bags are missing"), declare(desk, "No bags")
    desk.note(duplicate, actor="mei", text="seen at gate 3")
    task = desk.tasks.add(duplicate, actor="mei", title="Call the gate")
    told = listen(desk)
    desk.merging.merge(duplicate, actor="mei", into=target)
    merged = desk.find(duplicate)
    assert (merged.is_open, merged.merged_into_id, merged.closed_at is not None) == (False, target, True)
    texts = [one.text for one in desk.timeline(target)]
    assert "seen at gate 3" in texts
    assert f"#{duplicate} No bags is the same" in texts
    assert last(desk, duplicate).text == f"The same as #{target} Bags are missing"
    assert [one.id for one in desk.tasks.list_of(target)] == [task.id]
    assert told == ["merged", "absorbed"]
    with pytest.raises(Refused, match=f"is part of #{target} now"):
        desk.update(duplicate, actor="mei", text="x")
    with pytest.raises(Refused, match=f"is part of #{target} now"):
        desk.reopen(duplicate, actor="mei", reason="x")


def test_what_cannot_be_merged(desk: Desk) -> None:
    one, two, three = (declare(desk, title) for title in ("a", "b", "c"))
    private = declare(desk, "d", private=True)
    desk.merging.merge(two, actor="mei", into=one)
    for duplicate, into, words in (
        (one, one, "into itself"), (one, two, "is itself part of"), (two, three, "is part of #1 already"),
        (three, private, "cannot be merged"), (private, three, "cannot be merged"), (three, 99, "There is no incident"),
    ):  # fmt: skip
        with pytest.raises(Refused, match=words):
            desk.merging.merge(duplicate, actor="mei", into=into)
        with pytest.raises(Refused, match=words):
            desk.merging.check(duplicate, into, actor="mei")


def test_members_of_both_know_of_what_was_merged(desk: Desk) -> None:
    target, duplicate = declare(desk, "a", private=True), declare(desk, "b", private=True)
    desk.members.add(duplicate, actor="mei", person="diego")
    desk.merging.merge(duplicate, actor="mei", into=target)
    assert set(desk.members.of(target)) == {"mei", "diego"}
