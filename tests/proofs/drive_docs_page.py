"""Drive /docs of a running stack in Chromium, in both themes, on a desktop and a phone.

`make proof-page` runs this in an environment of its own with API_URL, EMAIL and PASSWORD, and the
folder for screenshots as argument. Chromium is the system's; axe checks each page.
"""

import os
import shutil
import sys
import uuid
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

SIZES = {"desktop": (1280, 900), "phone": (390, 844)}
AXE = Path(__file__).parents[2] / "examples/web/node_modules/axe-core/axe.min.js"
# Violations inside Swagger UI 5.35 itself; the rest of the page has none.
FAULTS_OF_THE_VIEWER = (
    "button-name",
    "heading-order",
    "label",
    "label-title-only",
    "landmark-unique",
    "nested-interactive",
    "region",
    "scrollable-region-focusable",
    "select-name",
)
CHECK = """async (rules) => {
    const page = await axe.run({ exclude: [["#viewer"]] });
    const viewer = document.querySelector("#viewer");
    const inside = viewer ? (await axe.run(viewer, { rules })).violations : [];
    return [...page.violations, ...inside];
}"""


def main(pictures: Path) -> None:
    pictures.mkdir(parents=True, exist_ok=True)
    program = shutil.which("chromium") or sys.exit("Install Debian's package chromium.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=program, args=["--no-sandbox", "--no-proxy-server"]
        )
        for theme in ("light", "dark"):
            for device in SIZES:
                _visit(browser, theme, device, pictures)
        _sign_in_on_the_pools_page(browser, pictures)
        browser.close()


def _visit(browser: Browser, theme: str, device: str, pictures: Path) -> None:
    width, height = SIZES[device]
    context = browser.new_context(color_scheme=theme, viewport={"width": width, "height": height})
    page = context.new_page()
    hosts, failures = set[str](), list[str]()
    page.on("request", lambda request: hosts.add(urlsplit(request.url).hostname or "data"))
    page.on("pageerror", lambda error: failures.append(str(error)))
    page.goto(f"{os.environ['API_URL']}/docs")
    expect(page.locator(".opblock").first).to_be_visible()
    _take(page, pictures / f"reference-{device}-{theme}.png")
    _sign_in(page)
    _read_and_change(page)
    _operation(page, "readMe").scroll_into_view_if_needed()
    _take(page, pictures / f"request-{device}-{theme}.png")
    _keys_are_new(page)
    for link in page.locator("nav a").all():
        name = (link.get_attribute("href") or "").removesuffix(".html")
        other = context.new_page()
        other.goto(f"{os.environ['API_URL']}/docs/{name}.html")
        expect(other.locator("#content")).to_be_visible()
        _take(other, pictures / f"{name}-{device}-{theme}.png")
        other.close()
    assert hosts <= {"127.0.0.1", "data"}, hosts
    assert not failures, failures
    context.close()


def _sign_in(page: Page) -> None:
    said = page.locator("#sign-in output")
    for password, answer in (
        ("wrong", "Incorrect username or password."),
        (os.environ["PASSWORD"], f"Signed in as {os.environ['EMAIL']}."),
    ):
        page.fill("#sign-in [name=email]", os.environ["EMAIL"])
        page.fill("#sign-in [name=password]", password)
        page.click("#sign-in button")
        expect(said).to_have_text(answer)


def _sign_in_on_the_pools_page(browser: Browser, pictures: Path) -> None:
    """Sign in by authorization code with PKCE; the pool redirects only to localhost."""
    page = browser.new_page()
    page.goto(f"{os.environ['API_URL'].replace('127.0.0.1', 'localhost')}/docs")
    page.click(".auth-wrapper .authorize")
    _take(page, pictures / "authorize.png")
    with page.expect_popup() as opened:
        page.click(".modal-ux .modal-btn.authorize")
    sign_in = opened.value
    asked = parse_qs(urlsplit(sign_in.url).query)
    assert asked["code_challenge_method"] == ["S256"], asked
    sign_in.locator("[name=username]").fill(os.environ["EMAIL"])
    sign_in.locator("[name=password]").fill(os.environ["PASSWORD"])
    with sign_in.expect_event("close"):
        sign_in.get_by_role("button", name="Continue").click()
    expect(page.locator(".modal-ux")).to_contain_text("Logout")
    page.click(".modal-ux .btn-done")
    _send(page, "readMe", "200")
    page.close()


def _read_and_change(page: Page) -> None:
    """Check that If-Match has the ETag of the last read, and then that of the change."""
    _send(page, "readMe", "200")
    _open(page, "changeMe")
    for name in ("Grace", "Ada"):
        _operation(page, "changeMe").locator(".body-param__text").fill(
            f'{{"given_name": "{name}"}}'
        )
        _execute(page, "changeMe", "200")


def _keys_are_new(page: Page) -> None:
    _open(page, "placeOrder")
    field = _field(page, "placeOrder", "Idempotency-Key")
    first = uuid.UUID(field.input_value())
    _execute(page, "placeOrder", "201")
    expect(field).not_to_have_value(str(first))
    assert uuid.UUID(field.input_value())


def _operation(page: Page, name: str) -> Locator:
    return page.locator(f"div[id^=operations-][id$=-{name}]")


def _field(page: Page, operation: str, parameter: str) -> Locator:
    return _operation(page, operation).locator(f'tr[data-param-name="{parameter}"] input')


def _send(page: Page, operation: str, status: str) -> None:
    _open(page, operation)
    _execute(page, operation, status)


def _open(page: Page, operation: str) -> None:
    _operation(page, operation).locator(".opblock-summary-control").click()
    _operation(page, operation).locator(".try-out__btn").click()


def _execute(page: Page, operation: str, status: str) -> None:
    block = _operation(page, operation)
    with page.expect_response(lambda answer: answer.request.method != "OPTIONS"):
        block.locator(".execute").click()
    answer = block.locator(".live-responses-table tbody .response-col_status").first
    expect(answer).to_contain_text(status)


def _take(page: Page, picture: Path) -> None:
    page.screenshot(path=picture)
    overflow = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert overflow <= 0, f"{picture.stem} is {overflow} pixels too wide"
    page.evaluate(AXE.read_text())  # unlike a script element, this passes the page's CSP
    found = page.evaluate(CHECK, {rule: {"enabled": False} for rule in FAULTS_OF_THE_VIEWER})
    told = [(each["id"], [node["html"][:200] for node in each["nodes"][:3]]) for each in found]
    assert not found, f"{picture.stem}: {told}"


if __name__ == "__main__":
    main(Path(sys.argv[1]))
