"""The last resort of a command: a sentence instead of a traceback, which goes into a file."""

import os
import sys
import tempfile
import traceback
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType

Hook = Callable[[type[BaseException], BaseException, TracebackType | None], None]


def hook(folder: Path) -> Hook:
    """Return an `excepthook` that keeps tracebacks in `folder`."""

    def report(
        kind: type[BaseException], error: BaseException, trace: TracebackType | None
    ) -> None:
        if issubclass(kind, KeyboardInterrupt):
            print("\ninterrupted", file=sys.stderr)
        elif issubclass(kind, BrokenPipeError):  # the reader of a pipe has ended, such as `head`
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        else:
            text = "".join(traceback.format_exception(kind, error, trace))
            print(
                f"Unexpected error: {kind.__name__}: {error}\n"
                f"  This is a fault of the program. {_kept(text, folder)}",
                file=sys.stderr,
            )

    return report


def of_system(error: OSError, subject: str) -> str:
    """Return a sentence about an error of the operating system, with what to do."""
    reason = error.strerror or str(error)
    if isinstance(error, PermissionError):
        advice = "Change the owner or the permissions of this path"
    elif error.filename is None:
        return f"{subject}: {reason}"
    else:
        advice = "Check this path"
    return f"{subject}: {reason}: {error.filename}. {advice}, and run it again."


def _kept(text: str, folder: Path) -> str:
    for place in (folder, Path(tempfile.gettempdir())):
        with suppress(OSError):
            file = place / f"local-aws-traceback-{os.getuid()}.txt"
            file.write_text(text, encoding="utf-8", errors="backslashreplace")
            return f"Its traceback is in {file}."
    return f"It was raised at {text.splitlines()[-3:]}."
