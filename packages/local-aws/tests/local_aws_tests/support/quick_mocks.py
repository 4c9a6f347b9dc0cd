"""Less work for each `mock_aws()` and each client, as hundreds of tests start both.

Importing this module patches moto and botocore. botocore reads its descriptions of services once
per process instead of once per session: moto makes a new session for each `mock_aws()`. And moto
answers botocore alone, without the 1,300 patterns with which it answers `requests` and `urllib3`.
"""

import functools

import botocore.loaders
import botocore.session
from moto.core import models

from local_aws.control_plane import moto_growth  # noqa: F401 - parses AWS's policies once

botocore.session.create_loader = functools.cache(botocore.loaders.create_loader)

models.RESPONSES_METHODS.clear()
