"""Fixtures of local_aws's IAM tests, for tests of the report on recorded calls."""

from local_aws_tests.iam.conftest import aws, function, table  # noqa: F401 - fixtures
