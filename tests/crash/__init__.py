import pytest

pytest.register_assert_rewrite(
    "tests.crash.rig",
    "tests.crash.scenes",
    "tests.crash.scenes_of_applications",
    "tests.crash.scenes_of_backups",
    "tests.crash.scenes_of_databases",
    "tests.crash.scenes_of_rds",
)
