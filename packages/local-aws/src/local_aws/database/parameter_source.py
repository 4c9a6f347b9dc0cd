"""`Source` and `ApplyMethod` of a DB parameter, as AWS returns them.

For a value that equals the family's default, AWS ignores the request and keeps `Source = system`
and `ApplyMethod = pending-reboot`. A configuration with `immediate` then differs at every plan
(https://github.com/hashicorp/terraform-provider-aws/issues/39252).
"""

import re
from typing import Any

# Documented defaults, by the first major version that has them. rds.force_ssl is 1 from 15 on:
# https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/PostgreSQL.Concepts.General.SSL.html and
# https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/Appendix.PostgreSQL.CommonDBATasks.Parameters.html
DEFAULTS: dict[str, tuple[tuple[int, str], ...]] = {
    "rds.force_ssl": ((15, "1"), (0, "0")),
    "rds.logical_replication": ((0, "0"),),
    "rds.log_retention_period": ((0, "4320"),),
    "rds.force_autovacuum_logging_level": ((0, "warning"),),
    "shared_preload_libraries": ((11, "pg_stat_statements"),),
    "pg_stat_statements.track": ((0, "top"),),
}


def mark(group: Any) -> None:
    """Set `Source` and `ApplyMethod` in the parameters of moto's group."""
    major = _major(group.family or "")
    for name, parameter in group.parameters.items():
        is_default = parameter.get("ParameterValue") == default(name, major)
        parameter["Source"] = "system" if is_default else "user"
        if is_default:
            parameter["ApplyMethod"] = "pending-reboot"


def default(name: str, major: int) -> str | None:
    """Return the family's default.

    None if it is unknown, so that the value counts as the user's.
    """
    return next((value for since, value in DEFAULTS.get(name, ()) if major >= since), None)


def _major(family: str) -> int:
    found = re.fullmatch(r"postgres(\d+)", family)
    return int(found[1]) if found else 0
