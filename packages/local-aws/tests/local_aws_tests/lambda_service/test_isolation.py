"""Isolation of functions: they see an environment as on AWS, and nothing of the laptop."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from local_aws.supervisor import worker_processes as processes
from local_aws_tests.lambda_service.laptop import BASE_PYTHON, REGION, ROLE, Laptop, zipped
from local_aws_tests.support.waiting import settle

LOOK_AROUND = """
import importlib.util, os, sys
def handler(event, context):
    return {
        "path": sys.path, "environ": dict(os.environ), "cwd": os.getcwd(), "executable": sys.executable,
        "stranger": importlib.util.find_spec("moto") is not None, "site": "site" in sys.modules,
        "encoding": sys.stdout.encoding, "arn": context.invoked_function_arn, "memory": context.memory_limit_in_mb,
        "left": context.get_remaining_time_in_millis(),
    }
"""


def test_the_environment_has_the_functions_and_awss_variables_only(
    aws: Laptop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAPTOP_SECRET", "must not be seen")
    aws.deploy(
        "environ",
        LOOK_AROUND,
        Environment={"Variables": {"STAGE": "dev"}},
        MemorySize=256,
        Timeout=60,
    )
    seen, _ = aws.invoke("environ")
    environ = seen["environ"]
    assert "LAPTOP_SECRET" not in environ
    assert environ["STAGE"] == "dev"
    assert environ["AWS_ENDPOINT_URL"] == aws.settings.aws_endpoint_url
    assert environ["AWS_ACCESS_KEY_ID"] == f"key-of-{ROLE}"
    assert environ["AWS_SESSION_TOKEN"] == "token-for-environ"
    assert environ["AWS_REGION"] == REGION
    assert environ["AWS_LAMBDA_FUNCTION_NAME"] == "environ"
    assert environ["AWS_LAMBDA_FUNCTION_VERSION"] == "$LATEST"
    assert environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"] == "256"
    assert environ["_HANDLER"] == "main.handler"
    assert environ["LAMBDA_TASK_ROOT"] == seen["cwd"]
    python_s_own = {"LC_CTYPE"}
    known = {
        "STAGE",
        "AWS_ENDPOINT_URL",
        "LANG",
        "PATH",
        "TZ",
        "_HANDLER",
        "_X_AMZN_TRACE_ID",
    } | python_s_own
    assert [
        name for name in environ if name not in known and not name.startswith(("AWS_", "LAMBDA_"))
    ] == []
    assert seen["memory"] == "256"
    assert 30_000 < seen["left"] <= 60_000


def test_a_function_cannot_set_reserved_variables(aws: Laptop) -> None:
    aws.deploy(
        "named", LOOK_AROUND, Environment={"Variables": {"TZ": "Europe/Rome", "LANG": "C.UTF-8"}}
    )
    environ = aws.invoke("named")[0]["environ"]
    assert (environ["TZ"], environ["LANG"]) == ("Europe/Rome", "C.UTF-8")
    reserved = {"Variables": {"AWS_REGION": "x", "STAGE": "dev"}}
    with pytest.raises(ClientError, match="Reserved keys used in this request: AWS_REGION"):
        aws.deploy("reserved", LOOK_AROUND, Environment=reserved)
    with pytest.raises(ClientError, match="Reserved keys used in this request: AWS_REGION"):
        aws.client("lambda").update_function_configuration(
            FunctionName="named", Environment=reserved
        )


def test_the_path_has_no_package_of_the_laptop(aws: Laptop, runtime: Path) -> None:
    aws.deploy("path", LOOK_AROUND)
    seen, _ = aws.invoke("path")
    assert not seen["stranger"]
    assert not seen["site"]
    assert seen["executable"] == str(BASE_PYTHON)
    assert seen["encoding"] == "utf-8"
    task_root, runtime_folder, *standard_library = seen["path"]
    assert task_root == seen["cwd"]
    assert runtime_folder == str(runtime)
    assert not [folder for folder in standard_library if "site-packages" in folder]


def test_the_code_is_read_only_and_unpacked_once(aws: Laptop) -> None:
    aws.deploy("readonly", LOOK_AROUND)
    aws.deploy("readonly-twin", LOOK_AROUND)
    root = Path(aws.invoke("readonly")[0]["cwd"])
    assert Path(aws.invoke("readonly-twin")[0]["cwd"]) == root
    assert root.stat().st_mode & 0o777 == 0o555
    assert (root / "main.py").stat().st_mode & 0o777 == 0o444
    assert sorted(path.name for path in root.iterdir()) == ["main.py"]  # no __pycache__


def test_later_layers_win_and_a_deleted_layer_still_works(
    aws: Laptop,
) -> None:
    client = aws.client("lambda")
    layers = []
    for number in (1, 2):
        content = {"python/shared.py": f"LAYER = {number}", f"python/only{number}.py": ""}
        published = client.publish_layer_version(
            LayerName=f"layer{number}", Content={"ZipFile": zipped(content)}
        )
        layers.append(published["LayerVersionArn"])
    code = "import shared, only1, only2\ndef handler(event, context): return shared.LAYER"
    aws.deploy("layered", code, Layers=layers)
    client.delete_layer_version(LayerName="layer1", VersionNumber=1)
    with pytest.raises(ClientError, match="GetLayerVersion"):
        client.get_layer_version(LayerName="layer1", VersionNumber=1)
    assert aws.invoke("layered")[0] == 2


def test_workers_do_not_outlive_a_killed_supervisor(
    aws: Laptop, runtime: Path, tmp_path: Path
) -> None:
    script = tmp_path / "supervisor.py"
    script.write_text(SUPERVISOR)
    environ = os.environ | {"PYTHONPATH": str(Path(__file__).resolve().parents[2])}
    command = [sys.executable, str(script), str(tmp_path), str(runtime)]
    supervisor = subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, text=True)
    assert supervisor.stdout
    worker = int(supervisor.stdout.readline())
    os.kill(worker, 0)
    supervisor.send_signal(signal.SIGKILL)
    supervisor.wait()
    supervisor.stdout.close()
    if not settle(lambda: worker not in dict(processes.commands()), 60):
        os.kill(worker, signal.SIGKILL)
        pytest.fail(f"worker {worker} outlived its supervisor")


SUPERVISOR = """
import sys, time
from pathlib import Path
from local_aws_tests.lambda_service.laptop import Laptop, Loop
import os
os.environ["MOTO_ACCOUNT_ID"] = "000000000000"
laptop = Laptop(Loop(), Path(sys.argv[1]), Path(sys.argv[2]))
laptop.deploy("pid", "import os\\ndef handler(event, context): return os.getpid()")
print(laptop.invoke("pid")[0], flush=True)
time.sleep(60)
"""
