"""Hot reload: the next request runs a saved file; a broken one is reported and the old code goes
on.
"""

import time
from collections.abc import Iterator

import pytest
from moto.awslambda.models import lambda_backends

from local_aws.settings import ACCOUNT_ID
from local_aws_tests.lambda_service.laptop import REGION
from tests.laptop.dev.checkout import FILES, WAIT_SECONDS, Checkout

NOTE = FILES["functions/notes/note.py"]
DOOR = FILES["functions/door/handler.py"]


def served(repository: Checkout, text: str) -> None:
    """Send requests until an answer contains `text`."""
    deadline = time.monotonic() + WAIT_SECONDS
    while text not in repository.get()[1]:
        assert time.monotonic() < deadline, repository.output.getvalue()
        time.sleep(0.02)


def live_layer(repository: Checkout, function: str) -> str:
    client = repository.aws.client("lambda")
    live = client.get_function_configuration(
        FunctionName=f"atrium-dev-{function}", Qualifier="live"
    )
    return str(live["Layers"][0]["Arn"])


@pytest.fixture(autouse=True)
def nothing_shown(repository: Checkout) -> None:
    repository.forget_shown()


@pytest.fixture
def note(repository: Checkout) -> Iterator[str]:
    """Return the path of a file that is restored afterwards."""
    yield "notes/note.py"
    repository.forget_shown()
    repository.save("notes/note.py", f"{NOTE}\n# restored after test {time.monotonic()}\n")
    repository.shown("notes is live")


@pytest.fixture
def kernel(repository: Checkout) -> Iterator[str]:
    """Return functions/atrium/http/response.py, which is restored afterwards."""
    before = (repository.root / "functions/atrium/http/response.py").read_text()
    yield before
    repository.forget_shown()
    repository.save("atrium/http/response.py", before)
    repository.shown("door too")


def test_a_saved_function_serves_the_next_request(repository: Checkout, note: str) -> None:
    repository.save(note, NOTE.replace("as deployed", "as saved"))
    served(repository, "as saved")
    assert "functions/notes/note.py: notes is live after" in repository.shown("is live")


def test_a_saved_kernel_is_deployed_first_to_the_function_in_use(
    repository: Checkout, kernel: str
) -> None:
    layer = live_layer(repository, "door")
    repository.get()
    repository.save("atrium/http/response.py", f"{kernel}\nSAVED = 1\n")
    told = repository.shown("door too")
    assert "functions/atrium/http/response.py: notes is live after" in told
    assert live_layer(repository, "door") == live_layer(repository, "notes") != layer


def test_layers_of_earlier_saves_are_deleted(repository: Checkout, kernel: str) -> None:
    for number in range(2):
        repository.save("atrium/http/response.py", f"{kernel}\nNUMBER = {number}\n")
        repository.shown("door too")
    layers = repository.aws.client("lambda").list_layer_versions(LayerName="atrium-dev-kernel")[
        "LayerVersions"
    ]
    assert [layer["Description"] for layer in layers] == ["make dev", "Terraform's"]


def test_versions_share_unchanged_code(repository: Checkout, kernel: str) -> None:
    for number in (1, 2):
        repository.save("atrium/http/response.py", f"{kernel}\nSHARED = {number}\n")
        repository.shown("door too")
    versions = list(
        lambda_backends[ACCOUNT_ID][REGION].list_versions_by_function("atrium-dev-notes")
    )
    assert len({version.layers[0]["Arn"] for version in versions[-2:]}) == 2
    assert len({id(version.code_bytes) for version in versions[-2:]}) == 1


def test_a_syntax_error_is_reported_with_its_line(repository: Checkout, note: str) -> None:
    repository.save(note, NOTE + "\ndef read(:\n")
    told = repository.shown("The old code is still served")
    assert (
        "functions/notes/note.py: line 7: invalid syntax. Correct it. The old code is still served."
        in told
    )
    assert repository.get()[0] == 200


def test_a_broken_function_does_not_delay_others(repository: Checkout, note: str) -> None:
    repository.save("door/handler.py", "def handler(:\n")
    repository.save(note, NOTE.replace("as deployed", "beside a broken one"))
    served(repository, "beside a broken one")
    repository.shown("notes is live")
    repository.save("door/handler.py", DOOR)


def test_a_function_that_fails_at_import_gets_no_requests(
    repository: Checkout, note: str, kernel: str
) -> None:
    repository.save(note, NOTE + "\nnowhere()\n")
    told = repository.shown(r"\n +nowhere\(\)")
    assert "functions/notes/note.py: notes does not start. Its old code is still served." in told
    assert "NameError: name 'nowhere' is not defined" in told
    assert 'File "functions/notes/note.py", line 7, in <module>' in told
    assert "importlib" not in told
    assert "as deployed" in repository.get()[1]
    # The refused code must not return with the next layer.
    repository.forget_shown()
    repository.save(note, NOTE)
    repository.save("atrium/http/response.py", f"{kernel}\nREFUSED = 1\n")
    assert "does not start" not in repository.shown("door too")
    assert "as deployed" in repository.get()[1]


def test_a_handler_that_contradicts_the_contract_is_not_released(repository: Checkout) -> None:
    handler = FILES["functions/notes/handler.py"]
    repository.save("notes/handler.py", handler.replace("GET", "PUT"))
    told = repository.shown("The old code is still served")
    assert "functions/notes/handler.py" in told
    assert "GET /v1/notes has no handler" in told
    assert repository.get()[0] == 200
    repository.save("notes/handler.py", handler)


def test_a_change_that_needs_terraform_is_reported(repository: Checkout) -> None:
    declaration = FILES["functions/door/function.yaml"]
    repository.save("door/function.yaml", declaration + "timeout: 7\n")
    assert (
        "functions/door/function.yaml: Terraform applies routes, rights and settings. Run `make up`"
        in repository.shown("make up")
    )
    repository.save("door/function.yaml", declaration)
    repository.shown("make up")  # otherwise it would appear in the output of the next test


def test_a_request_is_shown_with_the_output_of_its_function(
    repository: Checkout, note: str
) -> None:
    repository.save(note, NOTE.replace("    return", "    print('looked')\n    1 / 0\n    return"))
    repository.shown("is live")
    assert repository.get()[0] == 500
    lines = repository.shown("ZeroDivisionError").splitlines()
    assert lines[0].split()[1:] == [
        "GET",
        "/v1/notes",
        "500",
        lines[0].split()[4],
        "ms",
        "cold",
        "sql",
        "0",
        "dynamodb",
        "0",
    ]
    assert lines[1] == "         | looked"
    assert lines[2] == "         Traceback (most recent call last):"
    assert '           File "functions/notes/note.py", line 6, in read' in lines
    assert lines[-1] == "         ZeroDivisionError: division by zero"


def test_a_direct_call_is_shown(repository: Checkout) -> None:
    event = b'{"triggerSource": "PreSignUp_SignUp", "userPoolId": "eu-central-1_pool"}'
    client = repository.aws.client("lambda")
    client.invoke(FunctionName="atrium-dev-door", Qualifier="live", Payload=event)
    line = repository.shown("door PreSignUp_SignUp").split()
    assert line[1:4] == ["door", "PreSignUp_SignUp", "done"]
    client.invoke(
        FunctionName="atrium-dev-door",
        Qualifier="live",
        Payload=event.replace(b'SignUp"', b'Refused"'),
    )
    told = repository.shown("Not you").splitlines()
    assert len(told) == 1
    assert told[0].split()[1:4] == ["door", "PreSignUp_Refused", "refused"]
