"""The code in S3 and in the mirror: backed up, read back, deployed from there; compared and brought up to date."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.clock import utc_now
from bot.diagnostics.check import Surroundings
from bot.diagnostics.checks.code_mirror import CHECK
from bot.outcome import Cancelled, Failed, Refused
from bot.recovery.actions.sync_code_mirror import push
from bot.recovery.registry import find_action
from bot.sandbox.repositories import HISTORY, Commit, run_git, write_stream
from bot.sandbox.stage import DATABASE
from bot.store.documents import Finding
from bot.systems.archives import ArchiveVanished
from bot.systems.repositories import PushRefused, RepositoryUnreachable, copy_repository, list_heads, read_bundle
from tests.integration.hosts.code_desk import Desk, bad, take
from tests.releases import clear_code, lay_releases
from tests.stage_fixtures import SharedStage

LATEST = "code/latest.tar.gz"


@pytest.fixture
def desk(fresh_stage: SharedStage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    for name, value in fresh_stage.stage.cloud.environment().items():
        monkeypatch.setenv(name, value)
    yield Desk(fresh_stage.stage, tmp_path)
    clear_code(fresh_stage.stage)


def import_history(desk: Desk, name: str, *more: Commit) -> None:
    path = desk.stage.disk.git_folder / name
    run_git(path, "fast-import", "--quiet", "--force", stdin=write_stream((*HISTORY, *more)))


def diagnose(desk: Desk) -> Finding:
    return CHECK.run(Surroundings(desk.world.policy, {}, utc_now, DATABASE))


def test_what_was_backed_up_is_deployed_when_git_is_away(desk: Desk, fresh_stage: SharedStage) -> None:
    lay_releases(desk.stage, "v1.2.0")
    run_git(desk.stage.disk.git_folder / "github.git", "update-ref", "refs/heads/main", "refs/tags/v1.1.0")
    context = desk.plan("back_up_code")
    assert bad(desk.carry_out("back_up_code", context)) == set()
    assert context.outputs["read"]["heads"] == 4
    assert "is this run's" in find_action("back_up_code").clean_up(context), "also where only the proof cannot be had"
    gone = (desk.folder / "gone.git").as_uri()
    desk.change(lambda text: text["infrastructure"]["code"].update(primary=gone, mirror=gone))
    deployment = desk.plan("deploy_code_archive")
    assert any("in the version" in note for note in deployment.plan.notes)
    fresh_stage.bucket.store(LATEST, [b"another"], metadata={}, over=True)
    assert "Signature" not in str(deployment.plan.observed), "nothing that opens the bucket is handed on"
    assert bad(desk.carry_out("deploy_code_archive", deployment)) == set(), "the planned version is what is deployed"
    assert 'VERSION = "1.1.0"' in (desk.stage.disk.current / "main.py").read_text()
    assert "X-Amz" not in str(deployment.outputs), "the address is a key"


def test_an_archive_that_is_none_or_another_than_planned_is_refused(desk: Desk, fresh_stage: SharedStage) -> None:
    lay_releases(desk.stage, "v1.2.0")
    with pytest.raises(ArchiveVanished):
        desk.plan("deploy_code_archive")
    fresh_stage.bucket.store(LATEST, [b"no archive"], metadata={})
    with pytest.raises(Refused, match=r"is no whole tar\.gz"):
        desk.plan("deploy_code_archive")
    for name in (
        "../latest.tar.gz",
        "-x.tar.gz",
        "a.tar.gz; rm",
        "$(x).tar.gz",
        "a/b.tar.gz",
        "latest.zip",
        "x" * 10_000,
    ):
        with pytest.raises(Refused, match="cannot be planned"):
            desk.plan("deploy_code_archive", archive=name)


def test_migrations_in_an_archive_are_seen(desk: Desk, fresh_stage: SharedStage) -> None:
    lay_releases(desk.stage, "v1.2.0")
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, body in (("./main.py", b"x"), ("./migrations/versions/1.py", b"revision = '0001aa'\n")):
            info = tarfile.TarInfo(name)
            info.size = len(body)
            archive.addfile(info, io.BytesIO(body))
    fresh_stage.bucket.store("code/old.tar.gz", [buffer.getvalue()], metadata={})
    observed = desk.plan("deploy_code_archive", archive="old.tar.gz").plan.observed
    assert str(observed["name"]).startswith("archive-")
    assert observed["revision"] is None


def test_a_backup_comes_from_the_mirror_where_the_repository_is_away(desk: Desk) -> None:
    gone = (desk.folder / "gone.git").as_uri()
    desk.change(lambda text: text["infrastructure"]["code"].update(primary=gone))
    assert desk.plan("back_up_code").plan.observed["from"] == "mirror"
    desk.change(lambda text: text["infrastructure"]["code"].update(mirror=gone))
    with pytest.raises(RepositoryUnreachable, match="cannot be read"):
        desk.plan("back_up_code")


def test_a_bucket_without_versions_is_not_promised_to_keep_what_is_written_over(
    desk: Desk, fresh_stage: SharedStage
) -> None:
    before, name = desk.plan("back_up_code").plan, fresh_stage.bucket.name
    assert "stays as a version of its key" in before.way_back
    s3 = fresh_stage.stage.cloud.s3
    try:
        s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Suspended"})
        now = desk.plan("back_up_code").plan
        assert now.way_back.startswith(f"{name} keeps no versions: what code/latest.tar.gz is now is written over")
        assert find_action("back_up_code").moved(before.observed, now.observed)
        assert not find_action("back_up_code").moved(now.observed, before.observed)
    finally:
        s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})


def test_a_backup_that_reads_back_otherwise_does_not_become_the_newest(desk: Desk, fresh_stage: SharedStage) -> None:
    context = desk.plan("back_up_code")
    store, read, _ = find_action("back_up_code").steps()
    facts = take(store, context)
    assert take(store, context) == facts, "what is stored is stored once"
    fresh_stage.bucket.store(str(facts["bundle"]), [b"damaged"], metadata={"sha256": "0"}, over=True)
    with pytest.raises(Failed, match="not what was stored"):
        take(read, context)
    assert LATEST not in {one.key for one in fresh_stage.bucket.list_objects("code/")}
    assert "as it was" in find_action("back_up_code").clean_up(context)


def test_a_mirror_that_is_behind_is_told_and_brought_up_to_date(desk: Desk) -> None:
    assert diagnose(desk).state == "ok"
    import_history(desk, "github.git", Commit("More", "Mei Tanaka <m@example.com>", {"x": "y"}, "v1.4.0"))
    run_git(desk.stage.disk.git_folder / "gitlab.git", "branch", "of-its-own", "main")
    found = diagnose(desk)
    assert (found.state, [one.action for one in found.suggests]) == ("warning", ["sync_code_mirror"])
    assert "1 is missing (v1.4.0) and 1 is at another commit (main)" in found.summary
    context = desk.plan("sync_code_mirror")
    assert any("of-its-own" in note for note in context.plan.notes)
    assert bad(desk.carry_out("sync_code_mirror", context)) == set()
    assert push(context)["pushed"] == 2, "a push of what is there does nothing"
    assert diagnose(desk).state == "ok"
    assert "refs/heads/of-its-own" in list_heads(desk.world.policy.infrastructure.code.mirror)
    with pytest.raises(Refused, match="has every branch and tag"):
        desk.plan("sync_code_mirror")


def test_a_mirror_that_went_its_own_way_is_never_forced(desk: Desk) -> None:
    import_history(desk, "github.git", Commit("Ours", "Mei Tanaka <m@example.com>", {"x": "y"}))
    context = desk.plan("sync_code_mirror")
    import_history(desk, "gitlab.git", Commit("Theirs", "Eve <e@example.com>", {"x": "z"}))
    before = list_heads(desk.world.policy.infrastructure.code.mirror)
    with pytest.raises(Refused, match=r"something else as refs/heads/main, and would lose it"):
        desk.plan("sync_code_mirror")
    with pytest.raises(PushRefused, match="did not take the push"):
        push(context)
    assert list_heads(desk.world.policy.infrastructure.code.mirror) == before
    run_git(desk.stage.disk.git_folder / "gitlab.git", "update-ref", "refs/tags/v1.2.0", "refs/tags/v1.1.0")
    with pytest.raises(Refused, match=r"refs/tags/v1\.2\.0"):
        desk.plan("sync_code_mirror")


def test_a_repository_that_does_not_answer_is_told(desk: Desk) -> None:
    desk.change(lambda text: text["infrastructure"]["code"].update(mirror=(desk.folder / "gone.git").as_uri()))
    assert "The mirror does not answer" in diagnose(desk).summary
    with pytest.raises(RepositoryUnreachable):
        desk.plan("sync_code_mirror")


def test_git_is_stopped_when_asked_and_a_damaged_bundle_is_seen(desk: Desk, tmp_path: Path) -> None:
    primary = desk.world.policy.infrastructure.code.primary
    with pytest.raises(Cancelled), copy_repository(primary, lambda: True):
        pass
    with copy_repository(primary) as copy:
        copy.bundle(tmp_path / "whole")
    assert read_bundle(tmp_path / "whole") == list_heads(primary)
    (tmp_path / "half").write_bytes((tmp_path / "whole").read_bytes()[:-50])
    with pytest.raises(Failed):
        read_bundle(tmp_path / "half")
