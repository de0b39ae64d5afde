"""Become a program that dies with its parent; run as a script by `bot.sandbox.children`, never imported.

usage: python -I -S lifeline.py PARENT_PID DEATH_SIGNAL UID GID PROGRAM [ARGUMENT...]

UID and GID of -1 mean "stay who you are". On Linux the kernel watches the parent (prctl(2),
PR_SET_PDEATHSIG); elsewhere, or when LIFELINE_WATCH is set, a small process does.
"""

import os
import sys
import time

PR_SET_PDEATHSIG = 1
WATCH_INTERVAL_S = 0.2


def main() -> None:
    """Drop privileges, tie this process to its parent, then become the program."""
    parent, death_signal, uid, gid = (int(argument) for argument in sys.argv[1:5])
    program = sys.argv[5:]
    kernel_watches = sys.platform == "linux" and "LIFELINE_WATCH" not in os.environ
    if kernel_watches:
        import ctypes  # noqa: PLC0415 (Linux only, and before privileges go: Python may lie under /root)

        libc = ctypes.CDLL(None, use_errno=True)
    else:  # before privileges go: it must be allowed to signal
        start_watcher(parent, os.getpid(), death_signal)
    if uid != -1:
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    # After the change of user, which would clear it.
    if kernel_watches and libc.prctl(PR_SET_PDEATHSIG, death_signal, 0, 0, 0) != 0:
        sys.exit(f"lifeline: prctl failed: {os.strerror(ctypes.get_errno())}")
    if os.getppid() != parent:
        sys.exit(f"lifeline: process {parent} ended before {program[0]} could start")
    try:
        os.execvp(program[0], program)  # noqa: S606 (an argument list, no shell)
    except OSError as error:
        sys.exit(f"lifeline: cannot run {program[0]}: {error.strerror}")


def start_watcher(parent: int, target: int, death_signal: int) -> None:
    """Fork a process, adopted by init, that signals `target`'s group once `parent` is gone."""
    child = os.fork()
    if child:
        os.waitpid(child, 0)
        return
    os.setsid()
    if os.fork():
        os._exit(0)
    while is_alive(parent) and is_alive(target):
        time.sleep(WATCH_INTERVAL_S)
    if is_alive(target):
        os.killpg(target, death_signal)
    os._exit(0)


def is_alive(pid: int) -> bool:
    """Whether a process of that id exists."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


if __name__ == "__main__":
    main()
