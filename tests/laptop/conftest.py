"""Fixtures of local_aws's IAM tests, for the report on what they record."""

from local_aws_tests.iam.conftest import aws, function, table  # noqa: F401 - fixtures
