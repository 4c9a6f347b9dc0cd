"""Generated requests by schemathesis on the running stack: no 5xx and no undeclared response.

`make proof-fuzz` generates thousands of requests; `make test` always the same small sample.
"""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.contract.caller import Caller
from tests.contract.operations import FILE, of, read

HERE = Path(__file__).parent
SCHEMATHESIS = os.environ.get("SCHEMATHESIS", "")
EXAMPLES = os.environ.get("FUZZ_EXAMPLES", "")
"""The number of examples for each operation in each phase; without it, the sample runs."""
PATHS = os.environ.get("FUZZ_PATHS", "")
"""A regular expression for the tested paths; without it, all are tested."""
SEED = os.environ.get("FUZZ_SEED", "1")
SAMPLE = ("--phases", "examples,fuzzing", "--max-examples", "3")
SECONDS = 1800
CASES = 1_000  # of each caller, so 2,000 in all


@pytest.mark.skipif(
    not SCHEMATHESIS, reason="`make proof-fuzz` and `make test` install schemathesis and name it"
)
@pytest.mark.parametrize("caller", ["admin", "member"])
def test_generated_requests_get_only_declared_responses(
    caller: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    signed_in: Caller = request.getfixturevalue(caller)
    extent = ("--max-examples", EXAMPLES) if EXAMPLES else SAMPLE
    report = tmp_path / "report.json"
    command = [SCHEMATHESIS, "--config-file", str(HERE / "schemathesis.toml"), "run", str(FILE)]
    command += [
        "--url",
        signed_in.api_url,
        "--header",
        f"Authorization: Bearer {signed_in.token}",
        "--checks",
        "all",
    ]
    command += ["--include-path-regex", PATHS] if PATHS else []
    command += ["--seed", SEED, *extent, "--no-color", "--report-json-path", str(report)]
    environment = os.environ | {
        "SCHEMATHESIS_HOOKS": "tests.contract.fuzz_hooks",
        "PYTHONPATH": str(HERE.parents[1]),
    }
    ran = subprocess.run(
        command,
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert ran.returncode == 0, f"{ran.stdout}{ran.stderr}"
    generated = json.loads(report.read_text())["test_cases"]["generated"]
    print(f"{generated} requests as {caller}, none answered outside the contract")
    tried = [operation for operation in of(read()) if re.search(PATHS, operation.path)]
    assert generated >= (CASES if EXAMPLES else len(tried))
