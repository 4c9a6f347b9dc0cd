"""`make preflight ENV=local`, which makes the same calls to the laptop's AWS as to AWS."""

from tests.story.checkout import ROOT, Checkout


def test_the_laptops_account_passes_the_preflight() -> None:
    status, said = Checkout(ROOT).run("preflight", "local")
    assert status == 0, said
    assert "✓ service-linked roles" in said
    assert "✓ zones" in said
    assert "✗" not in said
