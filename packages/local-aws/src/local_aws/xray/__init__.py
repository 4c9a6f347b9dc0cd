"""X-Ray on a laptop: a daemon that takes segments, and the calls that read them as traces."""

from local_aws.xray.daemon import Daemon
from local_aws.xray.traces import Traces

__all__ = ["Daemon", "Traces"]
