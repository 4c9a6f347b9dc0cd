"""`make tunnel ENV=dev`: forward a local port to an environment's database.

The connection goes through Session Manager and the bastion. IAM decides who may open it
(ssm:StartSession on the bastion), and no port is open to the internet.
"""

import argparse
import json
import os
import shutil
import socket
import subprocess
import sys
from dataclasses import dataclass
from typing import NoReturn

from tools.deploy import command, environment, stack_settings
from tools.deploy import stack_outputs as local_outputs
from tools.deploy.environment import Environment
from tools.deploy.errors import RefusedError
from tools.deploy.terraform import root as terraform

LOCAL_PORT = 5433  # not 5432, which a local Postgres may use
COMMANDS = {
    "aws": "the AWS CLI, version 2: https://docs.aws.amazon.com/cli/latest/userguide/getting-started-install.html",
    "session-manager-plugin": "the AWS CLI's plugin for sessions: "
    "https://docs.aws.amazon.com/systems-manager/latest/userguide/session-manager-working-with-install-plugin.html",
    "terraform": "Terraform, whose outputs name bastion and database: https://developer.hashicorp.com/terraform/install",
}


@dataclass(frozen=True)
class Target:
    """The bastion and the database of a tunnel, from the environment's Terraform outputs."""

    environment: str
    region: str
    instance_id: str
    host: str
    port: str
    database: str
    readonly_secret: str  # ARN


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.operations.tunnel")
    parser.add_argument("environment", help="a folder of envs/, or local")
    parser.add_argument(
        "--port", type=int, default=LOCAL_PORT, help="port of this machine (default: %(default)s)"
    )
    arguments = parser.parse_args()
    return command.run("tunnel", lambda: tunnel(arguments.environment, arguments.port))


def tunnel(name: str, port: int) -> None:
    """Check everything, then open the tunnel. Raise an error that `command.run` prints."""
    if environment.chosen(name) == environment.LOCAL:
        print(local_database())
    else:
        open_tunnel(name, port)


def local_database() -> str:
    url = local_outputs.read(stack_settings.from_environment()).database_url
    return f"The laptop's Postgres needs no tunnel:\n\n  psql {url}"


def open_tunnel(name: str, port: int) -> NoReturn:
    """Replace this process by the session, which lasts until Ctrl-C."""
    check_commands()
    check_port(port)
    root = terraform.root(name)
    check_credentials()
    target = target_of(Environment(name, root.outputs()))
    check_instance(target)
    print(how_to_connect(target, port), flush=True)
    os.execvp("aws", session(target, port))  # noqa: S606 - no shell is wanted, and Ctrl-C is the session's own business


def check_commands() -> None:
    missing = [f"  {name}: {what}" for name, what in COMMANDS.items() if not shutil.which(name)]
    if missing:
        raise RefusedError(
            "\n".join(
                [
                    "these programs are not on PATH. Install them and run the command again:",
                    *missing,
                ]
            )
        )


def check_port(port: int) -> None:
    with socket.socket() as probe:
        # Connections in TIME_WAIT of an earlier tunnel must not look like a listener.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except (OSError, OverflowError) as error:
            raise RefusedError(
                f"port {port} of this machine cannot be used ({error}). Choose another: PORT=5434."
            ) from None


def check_credentials() -> None:
    done = run("aws", "sts", "get-caller-identity")
    if done.returncode:
        raise RefusedError(
            f"no valid AWS credentials: {last_line(done)}\n"
            "  Sign in (aws sso login, or export AWS_PROFILE=…) to the account of the environment."
        )


def target_of(chosen: Environment) -> Target:
    """Return the target of a tunnel. Raise EnvironmentUnavailableError if an output is missing."""
    host, _, port = chosen.output("database_endpoint").partition(":")
    return Target(
        environment=chosen.name,
        region=chosen.output("region"),
        instance_id=chosen.output("bastion_instance_id"),
        host=host,
        port=port,
        database=chosen.output("database_name"),
        readonly_secret=chosen.output("database_user_secrets")["readonly"],
    )


def check_instance(target: Target) -> None:
    done = run(
        *("aws", "ssm", "describe-instance-information", "--region", target.region),
        *("--filters", f"Key=InstanceIds,Values={target.instance_id}"),
        *("--query", "InstanceInformationList[0].PingStatus", "--output", "text"),
    )
    if done.returncode:
        raise RefusedError(
            f"Systems Manager did not answer about the bastion: {last_line(done)}\n"
            "  You need ssm:DescribeInstanceInformation and, on the bastion, ssm:StartSession."
        )
    status = done.stdout.strip()
    if status != "Online":
        raise RefusedError(
            f"the bastion {target.instance_id} is not online ({status}): stopped, just started, or of another account.\n"
            f"  aws ec2 start-instances --region {target.region} --instance-ids {target.instance_id}\n"
            "  starts it; it is online about a minute later."
        )


def session(target: Target, port: int) -> list[str]:
    parameters = {
        "host": [target.host],
        "portNumber": [target.port],
        "localPortNumber": [str(port)],
    }
    return [
        *("aws", "ssm", "start-session", "--region", target.region, "--target", target.instance_id),
        *(
            "--document-name",
            "AWS-StartPortForwardingSessionToRemoteHost",
            "--parameters",
            json.dumps(parameters),
        ),
    ]


def how_to_connect(target: Target, port: int) -> str:
    # The certificate names the database's host, so TLS is required but localhost cannot be
    # verified.
    return f"""\
localhost:{port} is forwarded to the database of {target.environment} until you press Ctrl-C. In another shell, run:

  psql "host=localhost port={port} dbname={target.database} user=readonly sslmode=require"

To get its password, run:

  aws secretsmanager get-secret-value --region {target.region} --query SecretString --output text \\
    --secret-id {target.readonly_secret}
"""


def run(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(words, capture_output=True, text=True)


def last_line(done: subprocess.CompletedProcess[str]) -> str:
    """Return the last line of the AWS CLI's output, which has the error."""
    return (
        done.stderr.strip() or done.stdout.strip() or f"exit code {done.returncode}"
    ).splitlines()[-1]


if __name__ == "__main__":
    sys.exit(main())
