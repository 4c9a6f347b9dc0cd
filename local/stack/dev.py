"""`make dev`: up, then every saved file is served at once and every request told, until Ctrl-C."""

import sys

from local.dev.hot_reload import HotReload
from local.dev.session import Session
from local.settings import Settings
from local.stack import aws, show
from local.stack.process import StackError
from local.stack.up import up


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
        print("\nNothing is watched any more. The stack keeps running: `make dev` goes on, `make down` stops it.")
    else:
        raise StackError("The stack has stopped. `make dev` starts it again; `make logs SERVICE=aws` says why.")
