"""The base of all errors that the API answers with."""

from atrium_client.types import FieldError, Problem


class ApiError(Exception):
    """An answer with a status of 400 or more, or a redirect.

    `problem` is None for answers that are no problem document, such as those of AuthZEN's
    operations.
    """

    def __init__(self, status: int, problem: Problem | None, text: str = "") -> None:
        said = (problem.get("detail") or problem["title"]) if problem else text
        super().__init__(said or f"The API answered {status}.")
        self.status = status
        self.problem = problem

    @property
    def code(self) -> str | None:
        """The problem's code, one of docs/errors.md."""
        return self.problem["code"] if self.problem else None

    @property
    def errors(self) -> list[FieldError]:
        """The wrong fields, parameters and headers."""
        return self.problem.get("errors", []) if self.problem else []
