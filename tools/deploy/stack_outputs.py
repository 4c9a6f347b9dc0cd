"""`.local/outputs.json`: the addresses, names and credentials of the running stack."""

import json
from dataclasses import asdict, dataclass
from typing import Any

from local_aws.settings import Settings
from local_aws.supervisor.ready import StackError


@dataclass(frozen=True)
class Outputs:
    api_url: str
    aws_endpoint_url: str
    region: str
    user_pool_id: str
    user_pool_client_id: str
    user_attributes_table: str
    database_url: str  # the URL of Postgres for the app role, without the proxy
    proxy_host: str
    proxy_port: int
    admin_email: str
    admin_password: str
    inbox_url: str
    functions: dict[str, str]  # folder name to function name


def write(settings: Settings, outputs: Outputs) -> None:
    path = settings.state / "outputs.json"
    path.touch(mode=0o600)
    path.write_text(json.dumps(asdict(outputs), indent=2) + "\n")


def read(settings: Settings) -> Outputs:
    try:
        content: dict[str, Any] = json.loads((settings.state / "outputs.json").read_text())
    except FileNotFoundError:
        raise StackError("There is no stack in this checkout yet. `make up` starts one.") from None
    return Outputs(**content)
