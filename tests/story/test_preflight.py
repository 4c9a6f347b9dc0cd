"""`make preflight ENV=local` asks the laptop's AWS what it asks AWS."""

from tests.story.checkout import ROOT, Checkout


def test_the_laptops_account_is_ready() -> None:
    status, said = Checkout(ROOT).run("preflight", "local")
    assert status == 0, said
    assert "✓ service-linked roles" in said
    assert "✓ zones" in said
    assert "✗" not in said
