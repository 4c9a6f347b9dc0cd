"""`make verify ENV=local` passes on the stack that is up, and sees what is broken."""

from tests.story.checkout import ROOT, Checkout


def test_the_running_stack_is_as_promised() -> None:
    status, said = Checkout(ROOT).run("verify", "local")
    assert status == 0, said
    for row in (
        "second plan",
        "sign-up story",
        "stale change",
        "log line",
        "trace",
        "removal of its user",
    ):
        assert f"✓ {row}" in said
    assert "✗" not in said
