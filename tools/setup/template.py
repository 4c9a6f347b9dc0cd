"""A folder of Jinja templates, rendered with the same variables in paths and in contents."""

from collections.abc import Mapping
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

SUFFIX = ".jinja"
FOLDER = Path(__file__).parent / "templates"


def render(name: str, variables: Mapping[str, str]) -> dict[Path, str]:
    """Return the content of each file of the template `name`, by its path in the repository."""
    folder = FOLDER / name
    environment = Environment(
        loader=FileSystemLoader(folder),
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701  the templates are source code, not HTML
    )
    return {
        Path(
            environment.from_string(path.removesuffix(SUFFIX)).render(variables)
        ): environment.get_template(path).render(variables)
        for path in environment.list_templates(filter_func=lambda path: path.endswith(SUFFIX))
    }
