"""`make dev`: up, then every saved file is served at once and every request told, until Ctrl-C."""

import sys

from local_aws.settings import Settings
from tools.deploy.supervisor import StackError
from tools.laptop.dev.hot_reload import HotReload
from tools.laptop.dev.session import Session
from tools.laptop.stack import aws, show
from tools.laptop.stack.up import up


def dev(settings: Settings) -> None:
    """Returns on Ctrl-C, and leaves the stack running. Raises `StackError` when the stack ends before."""
    found = up(settings)
    print(show.summary(settings, found), flush=True)
    client = aws.client("lambda", settings, found.region)
    reload = HotReload(settings.root, found.functions, client, settings.aws_endpoint_url)
    session = Session(settings.root, reload, found.functions, settings.aws_endpoint_url, sys.stdout)
    try:
        session.run()
    except KeyboardInterrupt:
        print(
            "\nNothing is watched any more. The stack keeps running: `make dev` goes on, `make down` stops it."
        )
    else:
        raise StackError(
            "The stack has stopped. `make dev` starts it again; `make logs SERVICE=aws` says why."
        )
