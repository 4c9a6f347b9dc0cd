"""`make dev`: `make up`, then hot reload and request lines until Ctrl-C."""

import sys

from local_aws.settings import Settings
from local_aws.supervisor.ready import StackError
from tools.laptop.dev.hot_reload import HotReload
from tools.laptop.dev.session import Session
from tools.laptop.stack import aws, show
from tools.laptop.stack.up import up


def dev(settings: Settings) -> None:
    """Serve until Ctrl-C and leave the stack running.

    Raise `StackError` if the stack ends before.
    """
    found = up(settings)
    print(show.summary(settings, found), flush=True)
    client = aws.client("lambda", settings, found.region)
    reload = HotReload(settings.root, found.functions, client, settings.aws_endpoint_url)
    session = Session(settings.root, reload, found.functions, settings.aws_endpoint_url, sys.stdout)
    try:
        session.run()
    except KeyboardInterrupt:
        print(
            "\nFiles are no longer watched. The stack keeps running. `make dev` watches again, `make down` stops it."
        )
    else:
        raise StackError(
            "The stack has stopped. `make logs SERVICE=aws` shows why. `make dev` starts it again."
        )
