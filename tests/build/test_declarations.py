"""Errors of an invalid `function.yaml`."""

from pathlib import Path

import pytest

from tests.build.repository import FILES, finish, lay_out, start
from tools.build.declarations import Async, Data, TableRights, read_functions
from tools.build.errors import BuildError

NOTES, KEEPER = "functions/notes/function.yaml", "functions/keeper/function.yaml"


STREAM = "description: x\ntrigger: user_attributes.stream\n"


def refusal(root: Path) -> str:
    with pytest.raises(BuildError) as refused:
        read_functions(root)
    return refused.value.as_line(root)


def test_a_valid_declaration_gets_its_defaults(tmp_path: Path) -> None:
    keeper, notes = read_functions(lay_out(tmp_path))
    assert (notes.name, notes.declaration.trigger, notes.declaration.data) == (
        "notes",
        "api",
        Data(
            postgres="app",
            user_attributes=TableRights(read=["users", "roles"], update=["sessions"]),
        ),
    )
    assert (notes.declaration.memory, notes.declaration.timeout, notes.declaration.vpc) == (
        256,
        10,
        True,
    )
    assert (keeper.declaration.trigger, keeper.declaration.package.requirements) == (
        "none",
        "migrate",
    )


def test_an_asynchronous_function_must_declare_its_failure_handling(tmp_path: Path) -> None:
    keeper, notes = read_functions(
        lay_out(tmp_path, {KEEPER: "description: x\nasync: {retries: 0, max_age: 3600}"})
    )
    assert (keeper.declaration.asynchronous, notes.declaration.asynchronous) == (
        Async(retries=0, max_age=3600),
        None,
    )


@pytest.mark.parametrize(
    "schedule", ["rate(1 minute)", "rate(5 minutes)", "rate(10 hours)", "cron(0 3 * * ? *)", "cron(0/15 8-17 ? * MON-FRI *)"]
)  # fmt: skip
def test_a_schedule_must_have_a_time(tmp_path: Path, schedule: str) -> None:
    keeper, _ = read_functions(
        lay_out(
            tmp_path,
            {KEEPER: f"description: x\ntrigger: schedule\nschedule: {schedule}\nasync: {{}}"},
        )
    )
    assert (keeper.declaration.schedule, keeper.declaration.asynchronous) == (schedule, Async())


def test_a_third_reader_of_the_stream_is_refused_by_name(tmp_path: Path) -> None:
    yaml = (
        STREAM
        + "filters: [{eventName: [INSERT], dynamodb: {NewImage: {pk: {S: [{prefix: 'C#'}]}}}}]"
    )
    two = {KEEPER: yaml, "functions/audit/function.yaml": yaml, "functions/audit/handler.py": ""}
    audit, keeper, _ = read_functions(lay_out(tmp_path / "two", two))
    assert (audit.declaration.trigger, keeper.declaration.trigger) == (
        "user_attributes.stream",
    ) * 2
    third = "functions/outcomes/function.yaml"
    assert refusal(
        lay_out(tmp_path / "three", two | {third: yaml, "functions/outcomes/handler.py": ""})
    ) == (
        f"{third}: trigger: audit and keeper read the stream already, and a shard serves 2 readers. "
        "Do this work in one of them, with an additional filter."
    )


@pytest.mark.parametrize(
    ("yaml", "told"),
    [
        ("memory: 512", "description: It is missing. Add it."),
        ("description: ''", "description: Expected `str` of length >= 1."),
        ("description: x\nmemroy: 512", "memroy: There is no such field. Remove it;"),
        ("description: x\nmemory: big", "memory: Expected `int`, got `str`."),
        ("description: x\nmemory: 64", "memory: Expected `int` >= 128."),
        ("description: x\ntimeout: 901", "timeout: Expected `int` <= 900."),
        ("description: x\ntrigger: cognito.Nothing", "trigger: Invalid enum value 'cognito.Nothing'."),
        ("description: x\ndata: {postgers: app}", "data.postgers: There is no such field."),
        ("description: x\ndata: {postgres: root}", "data.postgres: Invalid enum value 'root'."),
        ("description: x\ndata: {postgres: [app, root]}", "data.postgres[1]: Invalid enum value 'root'."),
        ("description: x\ndata: {postgres: []}", "data.postgres: Expected `array` of length >= 1."),
        (
            "description: x\ndata: {user_attributes: [read, write]}",
            "data.user_attributes: A list of rights to the whole table is the form of an earlier version. "
            "Name the partitions: `{read: [users], update: [users]}`. The partitions are admins, audit, ",
        ),
        ("description: x\ndata: {user_attributes: {write: [users]}}", "data.user_attributes.write: There is no such field."),
        ("description: x\ndata: {user_attributes: {read: [user]}}", "data.user_attributes.read: The table has no partition 'user'. The"),
        ("description: x\ndata: {user_attributes: {read: [users, users]}}", "data.user_attributes.read: 'users' is duplicated."),
        ("description: x\ndata: {user_attributes: {put: [role_names]}}", "data.user_attributes.put: 'role_names' is a partition of an index"),
        ("description: x\ndata: {cognito: ['*']}", "data.cognito[0]: Expected `str` matching regex"),
        ("description: x\ndata: {invoke: [nobody]}", "data.invoke: There is no function 'nobody'. Use one of: keeper, notes."),
        ("description: x\nvpc: false\ndata: {postgres: app}", "vpc: Postgres is reachable from inside the VPC only. Remove"),
        ("description: x\nasync: {retries: 3}", "async.retries: Expected `int` <= 2."),
        ("description: x\nasync: {max_age: 59}", "async.max_age: Expected `int` >= 60."),
        ("description: x\nasync: {retrys: 1}", "async.retrys: There is no such field. Remove it;"),
        ("description: x\nasync: {}\ntrigger: cognito.PreSignUp", "async: `cognito.PreSignUp` invokes the function synchronously. Remove"),
        ("description: x\nasync: {}\ntrigger: user_attributes.stream", "async: `user_attributes.stream` invokes"),
        ("description: x\ntrigger: schedule", "schedule: The trigger needs a schedule. Add it, e.g. `schedule: rate(5 minutes)`."),
        ("description: x\nschedule: rate(1 day)", "schedule: `none` has no schedule. Set `trigger: schedule`"),
        ("description: x\ntrigger: schedule\nschedule: rate(1 minutes)", "schedule: Expected `str` matching regex"),
        ("description: x\ntrigger: schedule\nschedule: cron(0 3 * * *)", "schedule: Expected `str` matching regex"),
        ("description: x\ntrigger: user_attributes.stream", "filters: The trigger needs filters. Add it, e.g."),
        ("description: x\nfilters: [{eventName: [INSERT]}]", "filters: `none` delivers no records. Set `trigger: user_attr"),
        (f"{STREAM}filters: []", "filters: Expected `array` of length >= 1."),
        (f"{STREAM}filters: [{{eventname: [INSERT]}}]", "filters[0].eventname: There is no such field."),
        (f"{STREAM}filters: [{{eventName: [DELETE]}}]", "filters[0].eventName[0]: Invalid enum value 'DELETE'."),
        (f"{STREAM}filters: [{{dynamodb: {{keys: {{}}}}}}]", "filters[0].dynamodb: Invalid enum value 'keys'."),
        (
            f"{STREAM}filters: [{{dynamodb: {{Keys: {{pk: {{S: C}}}}}}}}]",
            "filters: dynamodb.Keys.pk.S is not a list of accepted values. Write e.g.",
        ),
        ("description: x\ndata: {event_bus: put}", "data.event_bus: This API is reachable only from outside the VPC. Add `vpc: false`"),
        ("description: x\ndata: {cognito: [AdminGetUser]}", "data.cognito: This API is reachable only from outside the VPC. Add `vpc: false`"),
        ("description: x\ndata: {parameters: [user_pool_id]}", "data.parameters: This API is reachable only from outside the VPC. Add"),
        ("description: x\ndata: {parameters: [other]}", "data.parameters[0]: Invalid enum value 'other'."),
        ("description: x\ntrigger: api", "trigger: `api` needs routes. Add functions/keeper/openapi.yaml"),
        ("description: x\npackage: {include: [../secrets]}", "package.include: '../secrets' lies outside the repository."),
        ("description: x\ndescription: y", "line 2: 'description' is given twice."),
        ("description: [", "line 2: did not find expected node content."),
        ("just text", "It is not a mapping."),
    ],
)  # fmt: skip
def test_an_invalid_field_is_named(tmp_path: Path, yaml: str, told: str) -> None:
    assert refusal(lay_out(tmp_path, {KEEPER: yaml})).startswith(f"{KEEPER}: {told}")


def test_routes_need_the_trigger(tmp_path: Path) -> None:
    told = refusal(lay_out(tmp_path, {NOTES: "description: x"}))
    assert (
        told
        == f"{NOTES}: trigger: The folder has an openapi.yaml, which needs the trigger `api`. Set `trigger: api`, or remove openapi.yaml."
    )


def test_the_timeout_behind_the_api_is_at_most_29_seconds(tmp_path: Path) -> None:
    told = refusal(lay_out(tmp_path, {NOTES: FILES[NOTES] + "timeout: 30\n"}))
    assert told == f"{NOTES}: timeout: API Gateway's timeout is 29 seconds. Set 29 or less."


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({KEEPER: None}, f"{KEEPER}: It does not exist."),
        ({"functions/keeper/handler.py": None}, f"{KEEPER}: handler.py is missing in the folder."),
        ({"functions/Keep-er/handler.py": "", "functions/Keep-er/function.yaml": "description: x"}, "'Keep-er' is not a valid package name"),
        ({"functions/json/handler.py": "", "functions/json/function.yaml": "description: x"}, "'json' is not a valid package name, or is the name of a standard module"),
        ({f"functions/{'a' * 31}/handler.py": "", f"functions/{'a' * 31}/function.yaml": "description: x"}, "has 31 letters. Rename"),
        ({"functions/proxy/handler.py": "", "functions/proxy/function.yaml": "description: x"}, "Another role of the environment has the name proxy"),
    ],
)  # fmt: skip
def test_a_folder_must_be_a_service(
    tmp_path: Path, changes: dict[str, str | None], told: str
) -> None:
    assert told in refusal(lay_out(tmp_path, changes))


def test_a_folder_with_only_bytecode_is_ignored(tmp_path: Path) -> None:
    root = lay_out(tmp_path, {"functions/gone/__pycache__/handler.cpython-313.pyc": ""})
    assert [function.name for function in read_functions(root)] == ["keeper", "notes"]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({KEEPER: "memory: 512"}, f"build: {KEEPER}: description: It is missing. Add it.\n"),
        (
            {KEEPER: "description: x\npackage: {include: [no/such]}"},
            f"build: {KEEPER}: package.include: 'no/such' does not exist. Name a file or folder, relative to the repository.\n",
        ),
        (
            {KEEPER: "description: x\npackage: {requirements: nothing}"},
            f"build: {KEEPER}: package.requirements: requirements/nothing.txt does not exist. "
            "Add the group to pyproject.toml and run `make lock`.\n",
        ),
    ],
)  # fmt: skip
def test_the_command_reports_an_error_in_one_line(
    tmp_path: Path, changes: dict[str, str | None], told: str
) -> None:
    ran = finish(start(lay_out(tmp_path, changes), "--local"))
    assert (ran.status, ran.err) == (1, told)


def test_a_syntax_error_is_reported_and_the_rest_is_built(
    built: tuple[Path, Path], tmp_path: Path
) -> None:
    root = lay_out(tmp_path, {"functions/notes/note.py": "def (:\n"})
    (root / "build").mkdir()
    (root / "build/.cache").symlink_to(built[1] / "build/.cache")
    ran = finish(start(root, "--local"))
    assert (ran.status, ran.err) == (
        1,
        "build: functions/notes/note.py: line 1: invalid syntax. Correct it.\n",
    )
    assert (root / "build/functions/keeper.zip").is_file()
