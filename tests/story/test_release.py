"""`make release` with a canary and `make deploy SERVICE=…` on the running stack, in their quickest form.

`proof_release.py` has the longer forms. ENV=dev and prod run the same code with another endpoint.
"""

from tests.story.checkout import Checkout
from tests.story.releases import Alarm, live, load, publish
from tools.laptop.client import Client


def test_a_good_canary_under_load_goes_live_without_a_failed_request(
    deployed: Checkout, client: Client, alarm: Alarm
) -> None:
    alarm.make()
    alarm.becomes("OK")
    was = live(client)["version"]
    good = publish(client, deployed, "meta")
    with load(client) as statuses:
        status, said = deployed.run("release", "local", "--canary", "50", "--watch", "8")
    assert status == 0, said
    assert "calls of the new versions are as good as the old ones" in said
    assert live(client) == {"version": good, "weights": {}}
    assert set(statuses) == {200}
    assert good != was
