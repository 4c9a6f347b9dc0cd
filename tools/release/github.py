"""A client of GitHub's REST API for one repository, with the token of a workflow's job."""

import json
import os
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tools.deploy.errors import RefusedError

TIMEOUT = 30.0
A_PAGE = 100


@dataclass(frozen=True)
class GitHub:
    """The API of one repository."""

    api: str
    repository: str
    token: str

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """Return the answer to a request below `/repos/<repository>`. Raise RefusedError."""
        request = urllib.request.Request(
            f"{self.api}/repos/{self.repository}{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={
                "Accept": "application/vnd.github+json",
                "Authorization": f"Bearer {self.token}",
                "Content-Type": "application/json",
                "X-GitHub-Api-Version": "2022-11-28",
            },
        )
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:
                return json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            with error:
                said = error.read().decode(errors="replace")
            raise RefusedError(
                f"GitHub answered {error.code} to {method} {path}: {said[:300]}"
            ) from error
        except OSError as error:
            raise RefusedError(f"GitHub cannot be reached: {error}") from error

    def pages(self, path: str) -> Iterator[Any]:
        """Yield the items of a list, of all its pages."""
        joint = "&" if "?" in path else "?"
        number = 1
        while True:
            items = self.ask("GET", f"{path}{joint}per_page={A_PAGE}&page={number}")
            yield from items
            if len(items) < A_PAGE:
                return
            number += 1


def of_this_job() -> GitHub:
    """Return the client of the running job. Raise RefusedError outside a workflow."""
    names = ("GITHUB_REPOSITORY", "GITHUB_TOKEN")
    repository, token = (os.environ.get(name, "") for name in names)
    if not repository or not token:
        raise RefusedError(f"{' and '.join(names)} are not set. This command is for workflows.")
    return GitHub(os.environ.get("GITHUB_API_URL", "https://api.github.com"), repository, token)
