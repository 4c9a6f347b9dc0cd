"""`make environments`: the environments with an account, as the matrix of a workflow.

Each has the name of its account's variable.
"""

import json
import sys

from tools.deploy import configuration, environment


def main() -> int:
    all_names = [name for name in environment.names() if name != environment.LOCAL]
    names = [name for name in all_names if configuration.has_account(name)]
    print(
        json.dumps(
            [{"environment": name, "account": f"{name.upper()}_AWS_ACCOUNT_ID"} for name in names]
        )
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
