"""Failures of Terraform that a newcomer meets: the message names the remedy."""

from pathlib import Path

import pytest

from tools.deploy.terraform import known_failures, root

# messages of Terraform 1.11 with the S3 backend
NO_CREDENTIALS = """Error: No valid credential sources found

Error: failed to refresh cached credentials, no EC2 IMDS role found, operation error ec2imds"""
NO_BUCKET = 'Error: Failed to get existing workspaces: S3 bucket "atrium-state" does not exist.'
EXPIRED = "api error ExpiredToken: The security token included in the request is expired"


@pytest.mark.parametrize(
    ("message", "remedy"),
    [
        (NO_CREDENTIALS, "AWS_PROFILE"),
        (EXPIRED, "sign in"),
        (NO_BUCKET, "make bootstrap"),
        ("api error AccessDenied: not authorized to perform s3:GetObject", "lack a permission"),
        ("Error: Unsupported argument", ""),
    ],
)
def test_the_remedy_follows_from_the_message(message: str, remedy: str) -> None:
    assert remedy in known_failures.remedy(message)
    assert bool(remedy) == bool(known_failures.remedy(message))


def test_a_failed_command_ends_with_the_remedy(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    program = tmp_path / "terraform"
    program.write_text(f"#!/bin/sh\necho '{NO_CREDENTIALS}' >&2\nexit 1\n")
    program.chmod(0o700)
    (tmp_path / ".terraform").mkdir()
    (tmp_path / ".terraform/terraform.tfstate").write_text("{}")
    monkeypatch.setattr(root, "terraform", lambda _: str(program))
    with pytest.raises(root.TerraformFailedError) as error:
        root.Root(tmp_path, None).outputs()  # type: ignore[arg-type] # init alone reads it
    assert str(error.value).endswith(known_failures.SIGN_IN)
