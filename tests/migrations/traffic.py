"""Reads and changes of many users' records until stdin closes; then a report in JSON.

`python -m tests.migrations.traffic <uid> <uid> …`, with the environment of a function that uses
Postgres. The statements have the form of those in `users`, with the columns of the first migration.
During a deploy, migrations run while the previous release serves, which knows none of their
columns.
"""

import json
import random
import sys
import threading

from atrium.stores import postgres

READ = """SELECT uid, email, given_name, family_name, locale, status, version, updated_at
FROM users WHERE uid = :uid::uuid AND status <> 'erased'"""
CHANGE = """WITH changed AS (
    UPDATE users SET locale = :locale, version = version + 1, updated_at = now()
    WHERE uid = :uid::uuid AND status <> 'erased' RETURNING uid
)
INSERT INTO audit_events (id, uid, actor, action, changes, request_id)
SELECT gen_random_uuid(), uid, :uid, 'user.changed', '{"fields": ["locale"]}', :request_id
FROM changed"""


def main(uids: list[str]) -> None:
    over = threading.Event()

    def wait_for_the_end() -> None:
        sys.stdin.read()
        over.set()

    threading.Thread(target=wait_for_the_end, daemon=True).start()
    requests = 0
    failed: list[str] = []
    while not over.is_set():
        uid = random.choice(uids)  # noqa: S311
        try:
            assert postgres.query(READ, uid=uid)
            locale = f"en-{requests % 90 + 10}"
            postgres.query(CHANGE, uid=uid, locale=locale, request_id=f"request-{requests}")
        except (postgres.DatabaseError, postgres.DatabaseUnavailableError) as error:
            failed.append(str(error))
        requests += 2
        if requests == 2:
            print("ready", flush=True)
    print(json.dumps({"requests": requests, "failed": failed}), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
