"""The error of a failed build."""

from pathlib import Path


class BuildError(Exception):
    """A file or field is refused; `why` and `what_to_do` are whole sentences."""

    def __init__(self, file: Path, field: str | None, why: str, what_to_do: str) -> None:
        self.file, self.field, self.why, self.what_to_do = file, field, why, what_to_do
        super().__init__(self.as_line())

    def as_line(self, root: Path | None = None) -> str:
        """Return the error as one line, with files relative to `root`."""
        file = self.file.relative_to(root) if root and self.file.is_relative_to(root) else self.file
        where = f"{file}: {self.field}" if self.field else str(file)
        return f"{where}: {self.why} {self.what_to_do}"
