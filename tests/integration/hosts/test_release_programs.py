"""The programs that fetch, finish, switch and read releases, on a real repository in real folders."""

from __future__ import annotations

import functools
import hashlib
import io
import json
import os
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bot.outcome import Failed
from bot.sandbox.repositories import Repositories, make_repositories, run_git
from bot.systems.hosts.local import LocalMachine
from bot.systems.hosts.programs import read_answer, read_program
from bot.systems.hosts.ssm import OUTPUT_LIMIT

BARE = (sys.executable, "-m", "venv", "--without-pip")
NO_COMMAND = (*BARE, "--", "python", "-c", "")
INJECTIONS = [
    "--upload-pack=touch /tmp/x", "-v1.2.0", "$(touch x)", "v1.2.0; rm -rf /", "`id`", "v1.2.0\nmain", "../..",
    "a/../b", "v1.2.0^{/x}", "main@{1}", "v1.2.0:main.py", "ветка", "v1.2.0\u202e", "", " ", "x" * 10_000,
    "refs//heads", "main.lock", "a\x01b", "HEAD~1", "https://example.com/x.git", "v1.2.0\n", "~root", "a b",
]  # fmt: skip


def run(program: str, *arguments: str) -> dict[str, Any]:
    words = [sys.executable, "-I", "-c", read_program(program), *arguments]
    return read_answer(LocalMachine("app 1").run(words, 60), "app 1")


@pytest.fixture(scope="module")
def repositories(tmp_path_factory: pytest.TempPathFactory) -> Repositories:
    return make_repositories(tmp_path_factory.mktemp("repositories"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "opt" / "traitortrack"


def fetch(folder: Path, repositories: Repositories, revision: str) -> str:
    """Make a release of it; its name."""
    facts = run("fetch_release", "fetch", str(folder), repositories.primary, repositories.mirror, revision, "")
    run("finish_release", str(folder), facts["name"], *NO_COMMAND)
    return str(facts["name"])


def test_a_release_is_fetched_switched_to_and_read(folder: Path, repositories: Repositories) -> None:
    old, new = fetch(folder, repositories, "v1.1.0"), fetch(folder, repositories, "v1.2.0")
    first = run("switch_release", str(folder), old)
    second = run("switch_release", str(folder), new)
    assert (first["before"], second["before"], second["now"]) == (None, old, new)
    assert 'VERSION = "1.2.0"' in (folder / "current" / "main.py").read_text()
    seen = run("read_releases", str(folder))
    assert (seen["current"], seen["previous"], seen["since"]) == (new, old, second["at"])
    assert {one["name"]: one["tags"] for one in seen["releases"]} == {old: ["v1.1.0"], new: ["v1.2.0"]}
    assert [note["release"] for note in seen["history"]] == [old, new]


def test_everything_may_be_run_twice(folder: Path, repositories: Repositories) -> None:
    name = fetch(folder, repositories, "main")
    before = run("switch_release", str(folder), name)
    assert fetch(folder, repositories, "main") == name
    assert run("switch_release", str(folder), name) == before
    assert len(run("read_releases", str(folder))["history"]) == 1


def test_what_a_crash_left_behind_is_begun_again(folder: Path, repositories: Repositories) -> None:
    """Half a checkout, a lock of a git that was killed, a switch that was not written down."""
    name = fetch(folder, repositories, "v1.2.0")
    other = run("fetch_release", "look", str(folder), repositories.primary, repositories.mirror, "v1.1.0", "")["name"]
    (folder / "incoming" / f"{other}.part").mkdir()
    (folder / "incoming" / f"{other}.part" / "main.py").write_text("half")
    (folder / "repository.git" / f"{other}.index.lock").touch()
    (folder / "repository.git" / "packed-refs.lock").touch()
    (folder / "current.new").symlink_to("releases/gone")
    (folder / "current").symlink_to(f"releases/{name}")
    (folder / "deploys.jsonl").write_text('{"at": "2026-01-')
    assert fetch(folder, repositories, "v1.1.0") == other
    assert "1.1.0" in (folder / "releases" / other / "main.py").read_text()
    assert run("switch_release", str(folder), other)["before"] == name
    assert [note["release"] for note in run("read_releases", str(folder))["history"]] == [name, other]


def test_the_commits_between_are_told(folder: Path, repositories: Repositories) -> None:
    ask = functools.partial(run, "fetch_release", "look", str(folder), repositories.primary, repositories.mirror)
    newest = ask("v1.3.0", "")
    back = ask("v1.1.0", newest["revision"])
    assert newest["going"] is None
    assert back["coming"] == {"count": 0, "newest": []}
    assert back["going"]["count"] == 3
    assert back["going"]["newest"][0]["author"] == "Mei Tanaka"
    assert not (folder / "releases").exists()
    assert ask(newest["revision"][:7], "")["revision"] == newest["revision"]


def test_the_mirror_helps_out_and_a_known_commit_needs_nobody(
    folder: Path, repositories: Repositories, tmp_path: Path
) -> None:
    gone = (tmp_path / "gone.git").as_uri()
    facts = run("fetch_release", "look", str(folder), gone, repositories.mirror, "v1.2.0", "")
    assert facts["source"] == "mirror"
    assert run("fetch_release", "look", str(folder), gone, gone, facts["revision"], "")["source"] == "copy"
    with pytest.raises(Failed, match=r"no repository could be read; the primary: .*; the mirror: "):
        run("fetch_release", "look", str(folder), gone, gone, "v1.2.0", "")


def test_what_is_read_of_many_releases_with_many_migrations_fits_into_what_ssm_hands_on(folder: Path) -> None:
    for number in range(20):
        versions = folder / "releases" / f"r{number:02}" / "migrations" / "versions"
        versions.mkdir(parents=True)
        for name in range(100):
            (versions / f"{name}.py").write_text(f'revision = "{number:04}{name:08}"\n')
        os.utime(versions.parent.parent, (number, number))
    for release in ("r00", "r01"):
        run("switch_release", str(folder), release)
    seen = run("read_releases", str(folder))
    assert len(json.dumps(seen)) < OUTPUT_LIMIT
    names = [one["name"] for one in seen["releases"]]
    assert {"r01", "r00", "r19"} <= set(names), "what runs, what ran before, and the newest"
    assert len(names) < 20


@pytest.mark.parametrize("revision", INJECTIONS)
def test_what_is_no_revision_reaches_nothing(folder: Path, repositories: Repositories, revision: str) -> None:
    with pytest.raises(Failed, match="no tag, branch or commit"):
        run("fetch_release", "fetch", str(folder), repositories.primary, repositories.mirror, revision, "")
    assert not (folder / "releases").exists()
    assert not list(folder.glob("incoming/*"))


@pytest.mark.parametrize("address", ["ext::sh -c id", "--upload-pack=id", "/etc", "git://example.com/x"])
def test_only_three_kinds_of_addresses_are_asked(folder: Path, address: str) -> None:
    with pytest.raises(Failed, match="no https, ssh or file address"):
        run("fetch_release", "look", str(folder), address, address, "main", "")


def test_a_plain_checkout_is_adopted_without_loss(folder: Path, repositories: Repositories) -> None:
    folder.parent.mkdir()
    run_git(folder.parent, "clone", "--quiet", "--branch", "v1.1.0", repositories.primary, folder.name)
    (folder / "changed by hand.py").write_text("x = 1")
    (folder / ".env").write_text("SESSION_SECRET=geheim")
    (folder / ".env").chmod(0o600)
    found = run("read_releases", str(folder))["plain"]
    name = fetch(folder, repositories, "v1.2.0")
    assert run("read_releases", str(folder))["plain"] == found
    switched = run("switch_release", str(folder), name)
    assert switched["before"] == found["name"]
    adopted = folder / "releases" / found["name"]
    assert (adopted / "changed by hand.py").read_text() == "x = 1"
    assert (folder / "main.py").exists(), "what was there stays where it was"
    assert (adopted / ".env").resolve() == (folder / "current" / ".env").resolve() == folder / ".env"
    assert run("switch_release", str(folder), found["name"])["now"] == found["name"]
    assert run("read_releases", str(folder))["releases"][0]["revision"] == found["revision"]


def test_a_current_that_is_no_link_or_a_release_that_is_none_changes_nothing(folder: Path) -> None:
    (folder / "releases" / "one").mkdir(parents=True)
    for name in ("two", "../..", "-rf", "a b", "x" * 100, ""):
        with pytest.raises(Failed, match=r"no release|no name of a release"):
            run("switch_release", str(folder), name)
    (folder / "current").mkdir()
    with pytest.raises(Failed, match="is no link"):
        run("switch_release", str(folder), "one")


def test_dependencies_come_before_the_final_name(folder: Path, repositories: Repositories) -> None:
    """Where they cannot be installed there is no release; the environment of the same requirements is made once."""
    facts = run("fetch_release", "fetch", str(folder), repositories.primary, repositories.mirror, "v1.2.0", "")
    incoming = folder / "incoming" / facts["name"]
    (incoming / "requirements.txt").write_text("something==1.0\n")
    broken = (*BARE, "--", "python", "-c", "import sys; sys.exit('no such package')")
    with pytest.raises(Failed, match="was not installed: no such package"):
        run("finish_release", str(folder), facts["name"], *broken)
    assert not (folder / "releases").exists()
    good = (*BARE, "--", "python", "-c", "import sys; open('proof', 'w').write(sys.prefix)")
    run("finish_release", str(folder), facts["name"], *good)
    release = folder / "releases" / facts["name"]
    assert Path((release / "proof").read_text()) == (release / "venv").resolve()
    assert len(list((folder / "environments").glob("*/.whole"))) == 1


def test_what_works_in_a_release_is_counted(folder: Path, repositories: Repositories) -> None:
    name = fetch(folder, repositories, "v1.2.0")
    run("switch_release", str(folder), name)
    with subprocess.Popen(["sleep", "60"], cwd=folder / "current") as process:
        try:
            running = run("read_releases", str(folder))["running"]
        finally:
            process.kill()
    assert running in ({name: 1}, None)
    assert (running is None) == (not Path("/proc/self").exists())


def pack(*entries: tuple[tarfile.TarInfo, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for entry, body in entries:
            entry.size = len(body)
            archive.addfile(entry, io.BytesIO(body))
    return buffer.getvalue()


def entry(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, link
    return info


@pytest.fixture
def offer(tmp_path: Path) -> Callable[[bytes], Path]:
    """Keeps an archive, and returns where it can be read."""

    def put(content: bytes) -> Path:
        path = tmp_path / "code.tar.gz"
        path.write_bytes(content)
        return path

    return put


def unpack(folder: Path, archive: Path, content: bytes, limit: int = 100_000) -> dict[str, Any]:
    command = ["cp", str(archive), str(folder / "incoming" / "a1.tar.gz")]
    checksum, facts = hashlib.sha256(content).hexdigest(), json.dumps({"revision": "abc"})
    return run("unpack_release", str(folder), "a1", checksum, str(limit), facts, *command)


def test_an_archive_becomes_a_release(folder: Path, offer: Callable[[bytes], Path]) -> None:
    content = pack(
        (entry("./app/main.py"), b"x"), (entry("link", tarfile.SYMTYPE, "app/main.py"), b""),
        (entry("app/up", tarfile.SYMTYPE, "../link"), b""), (entry("hard", tarfile.LNKTYPE, "app/main.py"), b""),
    )  # fmt: skip
    path = offer(content)
    assert unpack(folder, path, content)["unpacked"] is True
    assert unpack(folder, path, content)["unpacked"] is False
    assert not (folder / "incoming" / "a1.tar.gz").exists()
    run("finish_release", str(folder), "a1", *NO_COMMAND)
    release = folder / "releases" / "a1"
    assert [(release / name).read_bytes() for name in ("app/main.py", "link", "app/up", "hard")] == [b"x"] * 4
    assert run("read_releases", str(folder))["releases"][0]["revision"] == "abc"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (pack((entry("../evil"), b"x")), "leads outside"),
        (pack((entry("/etc/evil"), b"x")), "leads outside"),
        (pack((entry("a/../../evil"), b"x")), "leads outside"),
        (pack((entry("out", tarfile.SYMTYPE, "../.."), b"")), "link that leads outside"),
        (pack((entry("out", tarfile.SYMTYPE, "/etc"), b"")), "link that leads outside"),
        (pack((entry("out", tarfile.LNKTYPE, "../x"), b"")), "link that leads outside"),
        (pack((entry("d", tarfile.SYMTYPE, "."), b""), (entry("d/e", tarfile.SYMTYPE, "../x"), b"")), "behind a link"),
        (pack((entry("pipe", tarfile.FIFOTYPE), b"")), "no file, folder or link"),
        (pack((entry("null", tarfile.CHRTYPE), b"")), "no file, folder or link"),
        (pack((entry("bomb"), b"\0" * 2_000_000)), "grows beyond"),
        (pack((entry("x"), os.urandom(200_000))), "larger than"),
        (pack((entry("x"), os.urandom(5_000)))[:3000], "cannot be unpacked"),
        (b"no archive", "cannot be unpacked"),
    ],
    ids=[  # of their own: packing notes the time, and bytes would stand in the names
        "up", "root", "up in the middle", "link up", "link to the root", "hard link up", "behind a link", "pipe",
        "device", "bomb", "large", "cut", "none",
    ],
)  # fmt: skip
def test_an_archive_that_is_up_to_something_leaves_nothing(
    folder: Path, offer: Callable[[bytes], Path], content: bytes, said: str
) -> None:
    with pytest.raises(Failed, match=said):
        unpack(folder, offer(content), content)
    assert not (folder / "incoming" / "a1").exists()
    assert not (folder.parent.parent / "evil").exists()
    with pytest.raises(Failed, match="not fetched as a whole"):
        run("finish_release", str(folder), "a1", *NO_COMMAND)


def test_another_archive_than_the_planned_one_is_not_unpacked(folder: Path, offer: Callable[[bytes], Path]) -> None:
    path = offer(pack((entry("a"), b"x")))
    with pytest.raises(Failed, match="SHA-256 differs"):
        unpack(folder, path, b"other")


def test_an_archive_that_the_host_cannot_read_is_told_in_its_words(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(Failed, match=r"the archive was not read: cp ended with 1, cp: cannot stat .*none"):
        unpack(folder, tmp_path / "none", b"")
    for command, said in ((["/nowhere/aws"], "cannot be started"), (["true"], "true ended with 0, it said nothing")):
        with pytest.raises(Failed, match=said):
            run("unpack_release", str(folder), "a1", "", "9", "{}", *command)
