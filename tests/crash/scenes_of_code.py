"""Scenes of the actions on the application's code, its sessions and its maintenance page."""

from __future__ import annotations

from contextlib import ExitStack

from bot.sandbox.children import http_answers
from bot.sandbox.repositories import run_git
from bot.store.tables import Run
from bot.systems.repositories import copy_repository, list_heads
from tests.crash.rig import Rig
from tests.crash.scenes import Given, Scene
from tests.releases import clear_code, lay_releases, leave_leftovers
from tests.stage_fixtures import SharedStage

LATEST = "code/latest.tar.gz"


def deploy_code(stack: ExitStack, shared: SharedStage) -> Scene:
    return on_releases(stack, shared, ["v1.1.0"], "v1.2.0")


def roll_back_code(stack: ExitStack, shared: SharedStage) -> Scene:
    return on_releases(stack, shared, ["v1.2.0", "v1.3.0"], None)


def on_releases(
    stack: ExitStack, shared: SharedStage, before: list[str], revision: str | None, *, broken: bool = False
) -> Scene:
    """A host that has had these releases goes over to another: once, with one restart, and never to half of one."""
    stage, place = shared.stage, shared.stage.disk
    stack.callback(clear_code, stage)
    names = lay_releases(stage, *before)
    starts = stage.warehouse.starts

    def done(rig: Rig, run: Run) -> None:
        assert stage.warehouse.starts - starts == 1
        now, goes_back = place.current.resolve().name, revision is None and not broken
        assert now == names[0] if goes_back else now not in names
        assert http_answers(f"{stage.warehouse_url}/api/stats") is not broken
        assert len((place.install_folder / "deploys.jsonl").read_text().split()) >= len(names) + 1

    def untouched(rig: Rig, run: Run) -> None:
        rig.wait("the application", lambda: http_answers(f"{stage.warehouse_url}/health") or None)
        assert stage.warehouse.starts - starts <= 1
        if stage.warehouse.starts == starts:
            assert place.current.resolve().name == names[-1], "what is current is what runs"
        assert (place.current / "main.py").exists()

    given: Given = {"application": "traitortrack"}
    return Scene(given if revision is None else {**given, "revision": revision}, done, untouched, good=not broken)


def deploy_code_archive(stack: ExitStack, shared: SharedStage) -> Scene:
    """What runs is in no repository, so that the archive is fetched."""
    repositories = shared.stage.make_repositories()
    with copy_repository(repositories.primary) as copy:
        path, commit = shared.stage.directory / "code.tar.gz", copy.main_commit()
        copy.archive(commit, path)
    shared.bucket.store(LATEST, [path.read_bytes()], metadata={"revision": commit}, over=True)
    return on_releases(stack, shared, ["v1.2.0"], None, broken=True)


def back_up_code(stack: ExitStack, shared: SharedStage) -> Scene:
    """One archive, one bundle, and the newest is that archive; nothing of another attempt."""
    stack.callback(clear_code, shared.stage)
    shared.stage.make_repositories()

    def done(rig: Rig, run: Run) -> None:
        stored = {one.key: one for one in shared.bucket.list_objects("code/")}
        latest = stored.pop(LATEST)
        assert sorted(key.rpartition(".")[2] for key in stored) == ["bundle", "gz"]
        assert latest.size_bytes in {one.size_bytes for one in stored.values()}

    def untouched(rig: Rig, run: Run) -> None:
        assert LATEST not in {one.key for one in shared.bucket.list_objects("code/")}

    return Scene({}, done, untouched)


def sync_code_mirror(stack: ExitStack, shared: SharedStage) -> Scene:
    """All or none of it."""
    stack.callback(clear_code, shared.stage)
    places = shared.stage.make_repositories()
    mirror = shared.stage.disk.git_folder / "gitlab.git"
    run_git(mirror, "update-ref", "refs/heads/main", "refs/tags/v1.1.0")
    run_git(mirror, "update-ref", "-d", "refs/tags/v1.3.0")
    before = list_heads(places.mirror)

    def done(rig: Rig, run: Run) -> None:
        assert list_heads(places.mirror) == list_heads(places.primary)

    def untouched(rig: Rig, run: Run) -> None:
        assert list_heads(places.mirror) in (before, list_heads(places.primary))

    return Scene({}, done, untouched)


def clear_session_cache(stack: ExitStack, shared: SharedStage) -> Scene:
    folder = shared.stage.disk.session_folder
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "from before").touch()

    def done(rig: Rig, run: Run) -> None:
        assert not (folder / "from before").exists()
        assert folder.is_dir()

    return Scene({"application": "traitortrack"}, done, lambda rig, run: None)


def prune_hosts(stack: ExitStack, shared: SharedStage) -> Scene:
    """What is too old goes and nothing else, and no half of a release is left among the releases."""
    folder = shared.stage.disk.install_folder
    stack.callback(clear_code, shared.stage)
    going = stack.enter_context(leave_leftovers(shared.stage))
    staying = {path for path in folder.glob("*/*") if path not in going}

    def done(rig: Rig, run: Run) -> None:
        assert not [path for path in going if path.exists()]
        assert set(folder.glob("*/*")) == staying

    def untouched(rig: Rig, run: Run) -> None:
        assert staying <= set(folder.glob("*/*"))
        assert not [path for path in folder.glob("releases/*") if not (path / "file").exists()]

    return Scene({"application": "traitortrack"}, done, untouched)


def maintenance_on(stack: ExitStack, shared: SharedStage) -> Scene:
    return on_page(stack, shared, before=False)


def maintenance_off(stack: ExitStack, shared: SharedStage) -> Scene:
    return on_page(stack, shared, before=True)


def on_page(stack: ExitStack, shared: SharedStage, *, before: bool) -> Scene:
    """The page is there or not, whole or not at all, and health answers all the time."""
    path = shared.stage.disk.maintenance_file
    stack.callback(clear_code, shared.stage)
    path.parent.mkdir(parents=True, exist_ok=True)
    if before:
        path.write_text("</html>")

    def done(rig: Rig, run: Run) -> None:
        assert path.exists() is not before
        untouched(rig, run)

    def untouched(rig: Rig, run: Run) -> None:
        assert not path.exists() or path.read_text().strip().endswith("</html>")
        assert http_answers(f"{shared.stage.warehouse_url}/health")

    return Scene({"application": "traitortrack"}, done, untouched)
