"""Less work for each test that calls a mocked AWS."""

from local_aws_tests.support import quick_mocks  # noqa: F401 - patches moto and botocore
