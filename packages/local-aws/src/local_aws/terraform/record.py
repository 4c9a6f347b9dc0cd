"""The Terraform state of one root, which snapshots keep together with the resources."""

import hashlib
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from local_aws.database.child import command_of
from local_aws.settings import Settings
from local_aws.terraform.command import kill_group


@dataclass(frozen=True)
class Record:
    """The state of one root, and a mark that holds terraform's pid during an apply."""

    state: Path
    _mark: Path

    @classmethod
    def of(cls, settings: Settings, name: str) -> "Record":
        folder = settings.state / "terraform"
        return cls(folder / f"{name}.tfstate", folder / f"{name}.applying")

    @property
    def apply_cut_off(self) -> bool:
        """Return True during an apply and after a killed one: the state may lack resources."""
        return self._mark.exists()

    def mark(self, pid: int) -> None:
        self._mark.write_text(str(pid))

    def unmark(self) -> None:
        self._mark.unlink(missing_ok=True)

    def end_leftover(self) -> None:
        """Kill the terraform process of a killed command."""
        with suppress(FileNotFoundError, ValueError):
            pid = int(self._mark.read_text())
            if "terraform" in command_of(pid):
                kill_group(pid)

    def content(self) -> bytes | None:
        return self.state.read_bytes() if self.state.exists() else None

    def digest(self) -> str:
        return hashlib.sha256(self.content() or b"").hexdigest()

    def put_back(self, content: bytes) -> None:
        self.state.parent.mkdir(parents=True, exist_ok=True)
        half = self.state.with_suffix(".part")
        half.write_bytes(content)
        half.replace(self.state)
        self.unmark()

    def forget(self) -> None:
        self.state.unlink(missing_ok=True)
        self.unmark()
