"""An AWS for Terraform and Lambda on a laptop, without Docker and without an account."""

import os

from local_aws.callers_environment import without_proxy_for_loopback
from local_aws.settings import ACCOUNT_ID

os.environ.update(without_proxy_for_loopback(os.environ))
# moto reads these when it is imported, so they are set before any module here imports it.
os.environ["MOTO_ACCOUNT_ID"] = ACCOUNT_ID
os.environ["MOTO_IAM_LOAD_MANAGED_POLICIES"] = "true"
