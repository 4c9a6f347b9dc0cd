"""Discovery of terraform: PATH first, else the pinned release with its checksum."""

import hashlib
import io
import threading
import urllib.error
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from local_aws.terraform import binary


@pytest.fixture
def no_terraform(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    monkeypatch.setattr("platform.system", lambda: "Linux")
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    return tmp_path / "bin"


def serve(monkeypatch: pytest.MonkeyPatch, answer: bytes | Exception) -> None:
    def urlopen(url: str, timeout: float) -> Any:
        assert (
            url
            == "https://releases.hashicorp.com/terraform/1.11.4/terraform_1.11.4_linux_amd64.zip"
        )
        if isinstance(answer, Exception):
            raise answer
        return io.BytesIO(answer)

    monkeypatch.setattr("urllib.request.urlopen", urlopen)


def archive(content: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as zipped:
        zipped.writestr("terraform", content)
    return file.getvalue()


def test_an_old_terraform_on_path_is_ignored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = tmp_path / "terraform"
    old.write_text("#!/bin/sh\necho Terraform v1.5.7\n")
    old.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    serve(monkeypatch, urllib.error.URLError("no route"))
    with pytest.raises(binary.TerraformMissingError):
        binary.terraform(tmp_path / "bin")


def test_a_failed_download_is_reported_with_a_remedy(
    no_terraform: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve(monkeypatch, urllib.error.URLError("no route"))
    with pytest.raises(
        binary.TerraformMissingError, match=r"cannot be reached .* Install Terraform 1\.11\.4"
    ):
        binary.terraform(no_terraform)


def test_a_wrong_checksum_installs_nothing(
    no_terraform: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve(monkeypatch, archive(b"something else"))
    with pytest.raises(binary.TerraformMissingError, match="not the pinned"):
        binary.terraform(no_terraform)
    assert not no_terraform.exists()


def test_a_correct_archive_is_installed_once(
    no_terraform: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    release = archive(b"#!/bin/sh\n")
    monkeypatch.setitem(binary.SHA256, "linux_amd64", hashlib.sha256(release).hexdigest())
    serve(monkeypatch, release)
    installed = Path(binary.terraform(no_terraform))
    assert installed.read_bytes() == b"#!/bin/sh\n"
    serve(monkeypatch, urllib.error.URLError("not asked again"))
    assert binary.terraform(no_terraform) == str(installed)


def test_concurrent_installations_are_complete(
    no_terraform: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Check this, because a stack and the infrastructure tests may need terraform at the same
    moment.
    """
    content = b"#!/bin/sh\n" + b"#" * 5_000_000
    release, all_here = archive(content), threading.Barrier(6)

    class Answer(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            all_here.wait(60)
            return super().read(size)

    monkeypatch.setitem(binary.SHA256, "linux_amd64", hashlib.sha256(release).hexdigest())
    monkeypatch.setattr("urllib.request.urlopen", lambda url, timeout: Answer(release))
    with ThreadPoolExecutor(6) as processes:
        installed = set(processes.map(binary.terraform, [no_terraform] * 6))
    assert [Path(each).read_bytes() == content for each in installed] == [True]
    assert [file.name for file in no_terraform.iterdir()] == ["terraform-1.11.4"]
