"""X-Ray on a laptop: a daemon that accepts segments, and API calls that return them as traces."""

from local_aws.xray.daemon import Daemon
from local_aws.xray.traces import Traces

__all__ = ["Daemon", "Traces"]
