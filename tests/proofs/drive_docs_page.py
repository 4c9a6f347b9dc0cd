"""Drive /docs of a running stack in Chromium, in both themes, on a desktop and a phone.

`make proof-page` runs this in an environment of its own with API_URL, EMAIL and PASSWORD, and the
folder for screenshots as argument. Chromium is the system's.
"""

import os
import shutil
import sys
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Page, expect, sync_playwright

SIZES = {"desktop": (1280, 900), "phone": (390, 844)}
READ_ME = "div[id^=operations-][id$=-readMe]"


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
    _send(page, READ_ME, "200")
    page.locator(READ_ME).scroll_into_view_if_needed()
    _take(page, pictures / f"request-{device}-{theme}.png")
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


def _send(page: Page, operation: str, status: str) -> None:
    page.click(f"{operation} .opblock-summary-control")
    page.click(f"{operation} .try-out__btn")
    page.click(f"{operation} .execute")
    answer = page.locator(f"{operation} .live-responses-table tbody .response-col_status").first
    expect(answer).to_contain_text(status)


def _take(page: Page, picture: Path) -> None:
    page.screenshot(path=picture)
    overflow = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert overflow <= 0, f"{picture.stem} is {overflow} pixels too wide"


if __name__ == "__main__":
    main(Path(sys.argv[1]))
