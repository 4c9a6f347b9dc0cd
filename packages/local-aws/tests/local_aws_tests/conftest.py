"""Fixtures that make mocked AWS calls quicker."""

from local_aws_tests.support import quick_mocks  # noqa: F401 - patches moto and botocore
