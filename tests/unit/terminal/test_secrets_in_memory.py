"""What `holdfast secrets` holds in memory stays there."""

from __future__ import annotations

import resource

from bot.terminal.secrets import forbid_core_files


def test_a_crash_leaves_no_memory_in_a_file() -> None:
    before = resource.getrlimit(resource.RLIMIT_CORE)
    try:
        resource.setrlimit(resource.RLIMIT_CORE, (before[1], before[1]))
        forbid_core_files()
        assert resource.getrlimit(resource.RLIMIT_CORE) == (0, before[1])
    finally:
        resource.setrlimit(resource.RLIMIT_CORE, before)
