import subprocess
from pathlib import Path

from local_aws.terraform.binary import terraform

ROOT = Path(__file__).resolve().parents[2]


def test_terraform_files_are_formatted() -> None:
    command = [terraform(ROOT / ".local/bin"), "fmt", "-check", "-recursive", "modules", "envs"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, f"Run `make fmt`: {done.stdout.split()}"
