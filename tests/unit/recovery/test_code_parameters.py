"""What people give as a revision or an archive: names, and nothing that a shell, Git or a path would understand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue, ValidationError

from bot.outcome import Refused
from bot.policy.infrastructure import CodeSource
from bot.recovery.code_notes import describe_commits, plain_line
from bot.recovery.registry import find_action, read_parameters
from bot.recovery.releases import require_revision

INJECTIONS = [
    "--upload-pack=touch /tmp/x", "-v1.2.0", "$(touch x)", "v1.2.0; rm -rf /", "`id`", "v1.2.0\nmain", "v1.2.0\n",
    "../..", "a/../b", "v1.2.0^{/x}", "main@{1}", "v1.2.0:main.py", "ветка", "v1.2.0\u202e", "", " ", "x" * 10_000,
    "refs//heads", "main.lock", "HEAD~1", "https://example.com/x.git", "ext::sh -c id", "~root", "a b", "a\x00b", ".",
    "main/", "main.",
]  # fmt: skip


@pytest.mark.parametrize("action", ["roll_back_code", "deploy_code"])
@pytest.mark.parametrize("revision", INJECTIONS)
def test_what_is_no_revision_is_refused_before_anything_is_asked(action: str, revision: str) -> None:
    with pytest.raises(Refused, match="revision"):
        read_parameters(find_action(action), {"application": "traitortrack", "revision": revision})


@pytest.mark.parametrize("revision", ["v1.2.0", "main", "feature/x-1", "c0ffee1", "2026.1+build", "abc-as-found"])
def test_tags_branches_and_commits_are_taken(revision: str) -> None:
    parameters = read_parameters(find_action("deploy_code"), {"application": "traitortrack", "revision": revision})
    assert parameters.model_dump()["revision"] == revision


@given(st.text(alphabet="ab./-_+@{}^~:$`;\n ", max_size=12))
def test_no_revision_that_is_taken_is_an_option_or_leads_elsewhere(text: str) -> None:
    try:
        read_parameters(find_action("deploy_code"), {"application": "x", "revision": text})
    except Refused:
        return
    assert not text.startswith(("-", "/", "."))
    assert ".." not in text
    assert require_revision(text) == text
    assert set(text) <= set("ab./-_+")


@pytest.mark.parametrize(
    "address",
    ["https://token@github.com/org/x", "https://me:secret@github.com/org/x", "ext::sh -c id", "--upload-pack=id",
     "ssh://-oProxyCommand=id/x", "ssh://me:secret@host/x", "git://host/x", "/srv/x", "file://x", "https://a b/x", ""],
)  # fmt: skip
def test_an_address_holds_no_password_and_no_option(address: str) -> None:
    with pytest.raises(ValidationError):
        CodeSource.model_validate({"primary": address})
    errors = _errors(address)
    assert any(one == ("primary",) for one in errors)


@pytest.mark.parametrize(
    "address", ["https://github.com/org/x", "ssh://git@github.com/org/x.git", "ssh://host/x", "file:///srv/x.git"]
)
def test_addresses_of_three_kinds_are_taken(address: str) -> None:
    assert ("primary",) not in _errors(address)


def _errors(address: str) -> list[tuple[int | str, ...]]:
    try:
        CodeSource.model_validate({"primary": address})
    except ValidationError as invalid:
        return [one["loc"] for one in invalid.errors()]
    return []


@given(st.text())
def test_what_people_wrote_into_a_commit_is_one_plain_line(text: str) -> None:
    assert plain_line(text).isprintable()
    assert len(plain_line(text)) <= 110
    newest: list[JsonValue] = [{"commit": "abc", "subject": text, "author": text, "at": "2026-03-01T00:00:00Z"}]
    lines = describe_commits("Goes", {"count": 3, "newest": newest})
    assert lines[1:] == ["Goes: 2 commits more."]
    assert lines[0].startswith("Goes: abc ")
