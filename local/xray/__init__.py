"""X-Ray on a laptop: a daemon that takes segments, and the calls that read them as traces."""

from local.xray.daemon import Daemon
from local.xray.traces import Traces

__all__ = ["Daemon", "Traces"]
