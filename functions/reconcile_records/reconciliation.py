"""The comparison of a page of accounts with the records, and its report."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from atrium.runtime import log
from atrium.stores import postgres, user_table
from atrium.stores.postgres import Statement
from reconcile_records import drift, passes, queries, repairs
from reconcile_records.drift import Account, Class, Known


class Drift(NamedTuple):
    drift: Class
    account: Account
    known: Known
    in_table: str | None


def compare(
    provider: str,
    accounts: Sequence[Account],
    missing: Sequence[str],
    *,
    repair: bool,
    then: tuple[str, str],
) -> dict[str, int]:
    """Compare, report and, if requested, repair. Return the drifts that the pass has found so far.

    `then` is the phase and position of the pass afterwards.
    """
    found = passes.found(provider)
    gone = [Account(subject, "", False, False, False) for subject in missing]
    for each in _differences(provider, [*accounts, *gone], frozenset(missing)):
        outcome = _repaired(provider, each, found) if repair else "reported"
        _count(found, each, outcome)
    passes.save(provider, found, then)
    return found


def _differences(
    provider: str, accounts: Sequence[Account], missing: frozenset[str]
) -> Iterator[Drift]:
    if not accounts:
        return
    subjects = [each.subject for each in accounts]
    seen = [subject for subject in subjects if subject not in missing]
    mark = Statement(queries.MARK_SEEN, {"provider": provider, "subjects": seen})
    emails = [each.email for each in accounts]
    find = Statement(
        queries.FIND_KNOWN, {"provider": provider, "subjects": subjects, "emails": emails}
    )
    _, rows = postgres.batch(mark, find)
    known = {row[0]: Known(*row) for row in rows}
    uids = sorted({each.uid for each in known.values() if each.uid})
    metas = user_table.metas(uids) if uids else {}
    for account in accounts:
        of = known[account.subject]
        meta = metas.get(of.uid or "")
        in_table = meta.status if meta else None
        if account.subject in missing:
            if of.status == "active" and not of.is_pending:
                yield Drift("missing_account", account, of, in_table)
            continue
        for kind in drift.classes(account, of, in_table):
            yield Drift(kind, account, of, in_table)


def _repaired(provider: str, each: Drift, found: dict[str, int]) -> str:
    """Repair one difference. Return `repaired`, or the reason why not."""
    try:
        repairs.repair(provider, each.drift, each.account, each.known, each.in_table, found)
    except repairs.NotRepairableError as reason:
        return str(reason)
    return "repaired"


def _count(found: dict[str, int], each: Drift, outcome: str) -> None:
    found[each.drift] = found.get(each.drift, 0) + 1
    if outcome != "repaired":
        found["not_repaired"] = found.get("not_repaired", 0) + 1
    log.write(
        "INFO" if outcome == "repaired" else "WARN",
        "identity drift",
        drift=each.drift,
        uid=each.known.uid,
        subject=each.account.subject,
        outcome=outcome,
    )
