"""A machine's service: what is started is what stands on the disk at that moment."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.sandbox.children import get_local
from bot.sandbox.machines.disk import Disk
from bot.sandbox.machines.service import Service, read_environment
from bot.sandbox.machines.supervisor import Supervisor
from bot.sandbox.ports import free_port

RELEASE = """
import http.server, json, os
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = json.dumps({"where": os.getcwd(), "colour": os.environ.get("COLOUR")}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
http.server.HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Answer).serve_forever()
"""


@pytest.fixture
def disk(tmp_path: Path) -> Disk:
    disk = Disk(tmp_path / "m")
    disk.make()
    return disk


@pytest.fixture
def service(disk: Disk) -> Iterator[Service]:
    service = Service(disk, free_port(), bags_per_s=0, environment={"COLOUR": "grey"})
    supervisor = Supervisor(disk.init_socket, service)
    yield service
    supervisor.close()
    service.stop()


def say(disk: Disk, verb: str) -> tuple[int, str]:
    words = [sys.executable, "-m", "bot.sandbox.service", str(disk.init_socket), verb]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout.strip()


def release(disk: Disk, name: str) -> Path:
    folder = disk.install_folder / "releases" / name
    folder.mkdir(parents=True)
    (folder / "main.py").write_text(RELEASE)
    disk.current.unlink(missing_ok=True)
    disk.current.symlink_to(folder)
    return folder


def test_each_start_takes_the_release_and_the_environment_that_are_there(disk: Disk, service: Service) -> None:
    first = release(disk, "1")
    assert say(disk, "is-running") == (3, "inactive")
    assert say(disk, "restart") == (0, "restarted")
    assert get_local(service.health_url, 5).json() == {"where": str(first), "colour": "grey"}
    started = say(disk, "started")
    second = release(disk, "2")
    disk.environment_file.write_text("COLOUR=blue\n")
    assert get_local(service.health_url, 5).json()["where"] == str(first), "nothing changes without a restart"
    assert say(disk, "restart") == (0, "restarted")
    assert get_local(service.health_url, 5).json() == {"where": str(second), "colour": "blue"}
    assert say(disk, "is-healthy") == (0, "healthy")
    assert say(disk, "started") not in (started, (0, "none"))
    assert say(disk, "workers")[1].endswith("main.py")
    assert say(disk, "kill")[0] == 0
    assert (say(disk, "is-healthy")[0], say(disk, "workers")) == (1, (1, "none"))


def test_the_environment_file_is_read_as_systemd_reads_it(disk: Disk) -> None:
    disk.environment_file.write_text(
        "# a remark\n; another\n\nPLAIN=a b = c\n"
        'DOUBLE="with \\"signs\\" \\$5 \\\\ #"\nSINGLE=\'as $it \\is\'\nEMPTY=\nnone\n'
    )
    assert read_environment(disk) == {
        "PLAIN": "a b = c", "DOUBLE": 'with "signs" $5 \\ #', "SINGLE": "as $it \\is", "EMPTY": "",
    }  # fmt: skip


def test_paths_on_a_machine_begin_with_its_prefix_outside(disk: Disk) -> None:
    assert disk.seen(disk.environment_file) == "/machine/opt/traitortrack/.env"
    assert disk.inward("cat /machine/opt/traitortrack/.env") == f"cat {disk.environment_file}"
    assert disk.inward("file:///machine/x '/machine/y' /srv/machine/z") == (
        f"file://{disk.root}/x '{disk.root}/y' /srv/machine/z"
    )
    assert disk.outward(f"{disk.log_path}: no such file") == "/machine/var/log/traitortrack/app.log: no such file"
