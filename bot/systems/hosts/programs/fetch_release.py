"""Fetch a revision from Git: fetch_release.py look|fetch FOLDER PRIMARY MIRROR REVISION CURRENT.

Both bring the host's own copy of the repository up to date, from the mirror where the primary does not answer. `look`
says what the revision is and which commits lie between it and CURRENT, and touches no release. `fetch` checks it out to
FOLDER/incoming/NAME, which finish_release.py makes a release of. REVISION is a tag, a branch or a commit; for a whole
commit that the host's copy has no repository is asked.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
import signal
import subprocess
import sys

REVISION = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+/-]{0,99}")
FORBIDDEN = ("..", "//", "/.", "./", ".lock")
COMMIT = re.compile(r"[0-9a-f]{40}")
PART = re.compile(r"[0-9a-f]{7,39}")
ADDRESS = re.compile(r"(https|ssh|file)://[^\s\x00-\x1f]+")
NAME_DIGITS = 12
SHOWN = 10
WIDTH = 160
LOOK_S, FETCH_S, LOCAL_S = 40, 600, 120
SSH = "ssh -oBatchMode=yes -oConnectTimeout=10 -oServerAliveInterval=5 -oServerAliveCountMax=4"
"""It ends by itself where nobody answers any more: it holds our lock, also when we were killed."""
SETTINGS = {
    "core.fsmonitor": "false", "core.hooksPath": os.devnull, "gc.auto": "0", "safe.directory": "*",
    "http.lowSpeedLimit": "1000", "http.lowSpeedTime": "20", "advice.detachedHead": "false",
}  # fmt: skip


def main(verb: str, folder: str, primary: str, mirror: str, revision: str, current: str = "") -> dict[str, object]:
    if not REVISION.fullmatch(revision) or any(one in revision for one in FORBIDDEN) or revision.endswith(("/", ".")):
        sys.exit("that is no tag, branch or commit: letters, digits and . _ + / - only, such as v1.2.0")
    if current and not COMMIT.fullmatch(current):
        sys.exit("the present revision is to be a whole commit")
    if not os.path.isabs(folder) or folder.count("/") < 2:
        sys.exit(f"{folder} is too near the root to hold releases")
    os.makedirs(folder, exist_ok=True)
    git = Git(folder)
    source = git.update([primary, mirror], revision, LOOK_S if verb == "look" else FETCH_S)
    commit, kind = git.resolve(revision)
    facts = {**git.describe(commit), "kind": kind, "source": source}
    if verb == "look":
        return {**facts, **git.compare(commit, current), "migrations": git.read_migrations(commit)}
    check_out(git, folder, facts, revision)
    return facts


class Git:
    """The host's copy of the repository, bare, in FOLDER/repository.git; whoever holds the lock may use it."""

    def __init__(self, folder: str) -> None:
        self.path = os.path.join(folder, "repository.git")
        self.lock = os.open(os.path.join(folder, ".releases.lock"), os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        fcntl.flock(self.lock, fcntl.LOCK_EX)
        settings = {"GIT_CONFIG_COUNT": str(len(SETTINGS))}
        for number, (key, value) in enumerate(SETTINGS.items()):
            settings[f"GIT_CONFIG_KEY_{number}"], settings[f"GIT_CONFIG_VALUE_{number}"] = key, value
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("GIT_")},
            **settings,
            "GIT_ALLOW_PROTOCOL": "https:ssh:file", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C",
            "GIT_SSH_COMMAND": SSH, "GIT_DIR": self.path,
        }  # fmt: skip
        if not os.path.isfile(os.path.join(self.path, "HEAD")):
            shutil.rmtree(self.path, ignore_errors=True)
            self.run("init", "--quiet", "--bare")
        for where, _, names in os.walk(self.path):  # a killed git leaves locks; a living one would hold ours
            for name in names:
                if name.endswith(".lock"):
                    os.unlink(os.path.join(where, name))

    def run(self, *words: str, timeout_s: float = LOCAL_S, **extra: str) -> str:
        """What it prints. Raises CalledProcessError, TimeoutExpired. It holds the lock for as long as it lives."""
        process: subprocess.Popen[bytes] = subprocess.Popen(
            ["git", *words], env={**self.environment, **extra}, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, start_new_session=True, pass_fds=[self.lock],
        )  # fmt: skip
        try:
            output, errors = process.communicate(timeout=timeout_s)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            raise
        if process.returncode:
            raise subprocess.CalledProcessError(process.returncode, "git", output, errors)
        return output.decode("utf-8", "replace")

    def update(self, addresses: list[str], revision: str, timeout_s: float) -> str:
        """Fetch heads and tags from the first that answers; which one, `copy` where it knows the commit already."""
        if COMMIT.fullmatch(revision) and self.ask("rev-parse", "--verify", "--quiet", revision + "^{commit}"):
            return "copy"
        said = []
        for which, address in zip(("primary", "mirror"), addresses):
            if not ADDRESS.fullmatch(address):
                sys.exit(f"the {which} repository is no https, ssh or file address")
            refs = ["+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*"]
            prune = ["--prune"] if which == "primary" else []
            try:
                self.run("fetch", "--quiet", "--no-tags", *prune, "--", address, *refs, timeout_s=timeout_s)
            except subprocess.TimeoutExpired:
                said.append(f"the {which} did not answer within {timeout_s} s")
            except subprocess.CalledProcessError as error:
                said.append(f"the {which}: {read_trouble(error)}")
            else:
                return which
        return sys.exit(f"no repository could be read; {'; '.join(said)}")

    def resolve(self, revision: str) -> tuple[str, str]:
        """The commit, and whether it was named by itself, by a tag or by a branch; a tag goes before a branch."""
        places = [("tag", "refs/tags/" + revision), ("branch", "refs/heads/" + revision)]
        if COMMIT.fullmatch(revision):
            places = [("commit", revision)]
        elif PART.fullmatch(revision):
            places.append(("commit", revision))
        for kind, name in places:
            commit = self.ask("rev-parse", "--verify", "--quiet", name + "^{commit}")
            if commit:
                return commit, kind
        return sys.exit(f"{revision} is no tag, branch or commit of the repository")

    def ask(self, *words: str) -> str:
        """What it prints, nothing where it does not know."""
        try:
            return self.run(*words).strip()
        except subprocess.CalledProcessError:
            return ""

    def describe(self, commit: str) -> dict[str, object]:
        when, subject = self.run("log", "-1", "--format=%cI%x00%s", commit).rstrip("\n").split("\0", 1)
        tags = self.run("tag", "--points-at", commit).split()
        return {
            "name": commit[:NAME_DIGITS], "revision": commit, "committed_at": when, "subject": subject[:WIDTH],
            "tags": tags[:SHOWN],
        }  # fmt: skip

    def compare(self, commit: str, current: str) -> dict[str, object]:
        """The commits that would go and those that would come; None where the present one is not in the repository."""
        if not current or not self.ask("rev-parse", "--verify", "--quiet", current + "^{commit}"):
            return {"going": None, "coming": None}
        return {"going": self.list_commits(commit, current), "coming": self.list_commits(current, commit)}

    def list_commits(self, since: str, until: str) -> dict[str, object]:
        between = f"{since}..{until}"
        count = int(self.run("rev-list", "--count", between))
        text = self.run("log", f"--max-count={SHOWN}", "--format=%h%x00%an%x00%cI%x00%s", between)
        rows = [line.split("\0", 3) for line in text.split("\n") if line.count("\0") >= 3]
        keys = ("commit", "author", "at", "subject")
        return {"count": count, "newest": [dict(zip(keys, (one[:WIDTH] for one in row))) for row in rows]}

    def read_migrations(self, commit: str) -> list[str]:
        """Alembic's revisions that the code knows."""
        pattern = r"^revision *(:.*)?= *['\"][^'\"]+"
        found = self.ask("grep", "--no-color", "-h", "-E", "-e", pattern, commit, "--", "migrations/versions/*.py")
        return sorted({re.split("['\"]", line)[1] for line in found.splitlines() if re.search("['\"]", line)})


def check_out(git: Git, folder: str, facts: dict[str, object], revision: str) -> None:
    """To FOLDER/incoming/NAME, unless it is there or has become a release already."""
    name, commit = str(facts["name"]), str(facts["revision"])
    incoming = os.path.join(folder, "incoming", name)
    if os.path.isdir(os.path.join(folder, "releases", name)) or os.path.isdir(incoming):
        return
    part, index = incoming + ".part", os.path.join(git.path, name + ".index")
    shutil.rmtree(part, ignore_errors=True)
    os.makedirs(part)
    git.run("read-tree", commit, GIT_INDEX_FILE=index)
    git.run("--work-tree", part, "checkout-index", "--all", "--force", timeout_s=FETCH_S, GIT_INDEX_FILE=index)
    os.unlink(index)
    note = {**facts, "asked_for": revision}
    with open(os.path.join(part, ".release.json"), "w", encoding="utf-8") as file:
        json.dump(note, file)
        file.flush()
        os.fsync(file.fileno())
    os.sync()  # what has this name is taken for whole, also after a power cut
    os.rename(part, incoming)


def read_trouble(error: subprocess.CalledProcessError) -> str:
    """What git says is wrong; its advice follows after it."""
    lines: list[str] = error.stderr.decode("utf-8", "replace").strip().splitlines() or [f"status {error.returncode}"]
    return next((line for line in lines if line.startswith(("fatal:", "error:"))), lines[-1])[:WIDTH]


if __name__ == "__main__":
    try:
        print(json.dumps(main(*sys.argv[1:])))
    except subprocess.CalledProcessError as trouble:
        sys.exit(f"git: {read_trouble(trouble)}")
    except subprocess.TimeoutExpired as trouble:
        sys.exit(f"git did not end within {trouble.timeout} s")
