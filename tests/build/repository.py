"""A small repository with the services `notes` (has routes) and `keeper` (has none), and its builder."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
AUTHORITIES = "functions/atrium/stores/amazon_trust_services.pem"

FILES = {
    "functions/notes/__init__.py": "",
    "functions/notes/function.yaml": "description: Notes\ntrigger: api\ndata:\n  postgres: app\n  user_attributes: {read: [users, roles], update: [sessions]}\n",
    "functions/notes/handler.py": """\
from atrium import greeting
from notes import note

ROUTES = {
    "GET /v1/notes/{id}": note.read,
    "PUT /v1/notes/{id}": note.write,
    "GET /v1/health": note.health,
}
handler = ROUTES.get
""",
    "functions/notes/note.py": "TEXT = 'as built'\n\n\ndef read():\n    return TEXT\n\n\nwrite = health = read\n",
    "functions/notes/tests/test_note.py": "assert False\n",
    "functions/notes/openapi.yaml": """\
paths:
  /v1/notes/{id}:
    get:
      operationId: readNote
      summary: Read a note
      security: [{cognito: [atrium/me]}]
      x-atrium-allow: [self]
      parameters: [{$ref: "#/components/parameters/NoteId"}, {$ref: "#/components/parameters/Limit"}]
      responses:
        200: {description: "It costs ${price}, or 5%{off}"}
        404: {$ref: "#/components/responses/NotFound"}
    put:
      operationId: writeNote
      summary: Write a note
      security: [{cognito: [atrium/users.write]}, {cognito: [atrium/me]}]
      x-atrium-allow: [self, permission: users.write]
      parameters: [{$ref: "#/components/parameters/NoteId"}, {$ref: "#/components/parameters/IfMatch"}]
      responses:
        204: {description: Written}
  /v1/health:
    get:
      operationId: readHealth
      summary: Is it up
      security: []
      x-atrium-allow: [public]
      responses:
        200: {description: It is}
components:
  parameters:
    NoteId: {name: id, in: path, required: true, schema: {type: string}}
""",
    "functions/keeper/function.yaml": """\
description: Keeps things
data:
  invoke: [notes]
package:
  include: [migrations, build/openapi.json]
  requirements: migrate
""",
    "functions/keeper/__init__.py": "",
    "functions/keeper/handler.py": "import yoyo\n\n\ndef handler(event, context):\n    return yoyo.__version__\n",
    "functions/atrium/__init__.py": "",
    "functions/atrium/greeting.py": "GREETING = 'hello'\n",
    AUTHORITIES: (REPOSITORY / AUTHORITIES).read_text(),
    "migrations/0001_notes.sql": "select 1;\n",
}


def lay_out(root: Path, changes: Mapping[str, str | None] | None = None) -> Path:
    """Write the repository to `root`. `changes` replaces files by path; None leaves a file out."""
    for path, content in {**FILES, **(changes or {})}.items():
        if content is not None:
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(content)
    shutil.copy(
        REPOSITORY / "functions/atrium/openapi.yaml", root / "functions/atrium/openapi.yaml"
    )
    shutil.copytree(REPOSITORY / "requirements", root / "requirements")
    return root


def start(
    root: Path, *options: str, umask: int = 0o022, **environment: str
) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tools.build", "--root", str(root), *options],
        cwd=REPOSITORY,
        env={**os.environ, **environment},
        umask=umask,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@dataclass(frozen=True)
class CompletedCommand:
    status: int
    out: str
    err: str


def finish(build: subprocess.Popen[str]) -> CompletedCommand:
    out, err = build.communicate(timeout=900)
    return CompletedCommand(build.returncode, out, err)
