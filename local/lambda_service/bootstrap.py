"""First file of a worker process. Runs in the base interpreter with `-I -S`: standard library and our arguments only.

Arguments: process id of the supervisor, then the folders of `sys.path` as AWS orders them: task root, layers, runtime.
"""

import os
import sys


def _end_with_supervisor(supervisor: int) -> None:
    """A killed supervisor must leave no worker behind. Elsewhere than on Linux the closed Runtime API ends it."""
    if not sys.platform.startswith("linux"):
        return
    import ctypes
    import signal

    pr_set_pdeathsig = 1
    ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL)
    if os.getppid() != supervisor:  # it died before the call above
        os._exit(1)


if __name__ == "__main__":
    _end_with_supervisor(int(sys.argv[1]))
    sys.path[:0] = sys.argv[2:]
    sys.argv[1:] = [os.environ["_HANDLER"]]
    from awslambdaric.__main__ import main

    main(sys.argv)
