"""Interruptions of a restore drill between the loss and the restore: the message names the dump."""

from pathlib import Path

import pytest

from tools.deploy.environment import Environment
from tools.operations import restore_drill
from tools.operations.restore_drill import Content, DrillFailedError, Server


@pytest.mark.parametrize(
    "end", [KeyboardInterrupt(), DrillFailedError("pg_restore failed: disk full")]
)
def test_an_interrupted_drill_names_the_dump_and_the_restore_command(
    end: BaseException, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dump = tmp_path / "restore-drill.dump"
    dump.touch()

    def lose(_: Server) -> None:
        raise end

    monkeypatch.setattr(
        restore_drill, "server_of", lambda _: Server(tmp_path, 5432, "atrium", Path("/bin"))
    )
    monkeypatch.setattr(restore_drill, "dump_file", lambda _: dump)
    monkeypatch.setattr(restore_drill, "own_record", lambda _: {})
    monkeypatch.setattr(restore_drill, "dump", lambda *_: Content({}, {}))
    monkeypatch.setattr(restore_drill, "lose", lose)
    with pytest.raises(DrillFailedError) as failed:
        restore_drill.drill(Environment("local", {}), lambda _: None)
    assert f"/bin/pg_restore --host={tmp_path}" in str(failed.value)
    assert str(failed.value).endswith(f"< {dump}")
    assert dump.exists()
