"""Drive the laptop's console of a running stack in Chromium, in both themes, on two screens.

`make proof-local-console` runs this in an environment of its own with CONSOLE_URL, after it has
sent requests. The argument is the folder for screenshots. axe checks each screen. With
README_PICTURE, it only takes one screenshot, in this file, as JPEG.
"""

import os
import shutil
import sys
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Page, expect, sync_playwright

SIZES = {"desktop": (1400, 900), "phone": (390, 844), "readme": (1180, 540)}
AXE = Path(__file__).parents[2] / "examples/web/node_modules/axe-core/axe.min.js"


def main(pictures: Path) -> None:
    pictures.mkdir(parents=True, exist_ok=True)
    program = shutil.which("chromium") or sys.exit("Install Debian's package chromium.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=program, args=["--no-sandbox", "--no-proxy-server"]
        )
        if path := os.environ.get("README_PICTURE"):
            take_readme_picture(Visit(browser, "light", "readme", pictures), path)
            return
        for theme in ("light", "dark"):
            for device in ("desktop", "phone"):
                Visit(browser, theme, device, pictures).run()
        browser.close()


def take_readme_picture(visit: "Visit", path: str) -> None:
    """Show a request that reads both stores, with its statement."""
    requests = visit.page.get_by_role("list", name="Requests").get_by_role("link")
    requests.filter(has_text="/v1/me").filter(has_text="aws").first.click()
    visit.page.locator("summary", has_text="SELECT").first.click()
    visit.page.screenshot(path=path, type="jpeg", quality=70)


class Visit:
    """A visit to every screen with one theme and one size of screen."""

    def __init__(self, browser: Browser, theme: str, device: str, pictures: Path) -> None:
        width, height = SIZES[device]
        self._context = browser.new_context(
            color_scheme=theme, viewport={"width": width, "height": height}
        )
        self._name = f"{device}-{theme}"
        self._pictures = pictures
        self._failures = list[str]()
        self._hosts = set[str]()
        self.page = self._open()

    def _open(self) -> Page:
        page = self._context.new_page()
        page.on("pageerror", lambda error: self._failures.append(str(error)))
        page.on(
            "console",
            lambda said: self._failures.append(said.text) if said.type == "error" else None,
        )
        page.on("request", lambda sent: self._hosts.add(urlsplit(sent.url).hostname or "data"))
        page.goto(os.environ["CONSOLE_URL"])
        expect(page.get_by_role("status")).to_have_text("Live")
        return page

    def run(self) -> None:
        self.see_requests()
        self.see_traffic()
        self.see_panel("Logs", "request")
        self.see_panel("IAM refusals", "sts:AssumeRole")
        self.see_panel("Inbox", os.environ["EMAIL"])
        self.page.get_by_role("button", name="Details").first.click()
        self.take("mail")
        self.see_panel("Accounts", os.environ["EMAIL"])
        self.see_panel("Tables", "META")
        self.see_panel("Users", os.environ["EMAIL"])
        self.page.get_by_role("button", name="Details").first.click()
        self.page.get_by_role("button", name="Show the user's items").first.click()
        expect(self.page.get_by_role("region", name="Items of the user")).to_contain_text("META")
        self.take("user")
        self.see_panel("Decisions", "document:7")
        self.ask_the_database()
        assert self._hosts <= {"127.0.0.1", "data"}, self._hosts
        assert not self._failures, self._failures
        self._context.close()

    def see_requests(self) -> None:
        page = self.page
        requests = page.get_by_role("list", name="Requests").get_by_role("listitem")
        expect(requests.first).to_be_visible()
        self.take("requests")
        page.get_by_label("Search requests").fill(os.environ["MARK"])
        expect(requests).to_have_count(1)
        requests.get_by_role("link").click()
        detail = page.get_by_role("region", name="Request")
        expect(detail.get_by_role("heading", level=2)).to_contain_text("/v1/me")
        expect(detail.locator("summary", has_text="SELECT").first).to_be_visible()
        expect(detail.locator(".row", has_text="dynamodb").first).to_contain_text("UserAttributes")
        detail.locator("summary", has_text="SELECT").first.click()
        expect(detail.locator("pre").first).to_contain_text("SELECT")
        self.take("request")

    def see_panel(self, title: str, expected: str) -> None:
        self.page.get_by_role("link", name=title, exact=True).click()
        expect(self.page.get_by_role("heading", level=1)).to_have_text(title)
        expect(self.page.get_by_role("table").get_by_text(expected).first).to_be_visible()
        self.take(title.lower().replace(" ", "-"))

    def see_traffic(self) -> None:
        page = self.page
        page.get_by_role("link", name="Map", exact=True).click()
        calls = page.get_by_role("table")
        expect(calls.get_by_role("row").filter(has_text="stage dev").first).to_be_visible()
        page.wait_for_function("!document.querySelector('.edge.live')")
        urllib.request.urlopen(f"{os.environ['API_URL']}/v1/health").close()
        expect(page.locator(".edge.live").first).to_be_attached()
        self.take("map")

    def ask_the_database(self) -> None:
        page = self.page
        page.get_by_role("link", name="Database", exact=True).click()
        page.get_by_role("button", name="audit_events").click()
        expect(page.get_by_role("region", name="Result")).to_be_visible()
        page.get_by_label("Query").fill("SELECT email FROM users ORDER BY created_at DESC")
        page.get_by_role("button", name="Run").click()
        expect(page.get_by_role("table").get_by_text(os.environ["EMAIL"])).to_be_visible()
        self.take("database")
        page.get_by_label("Query").fill("DELETE FROM users")
        page.get_by_role("button", name="Run").click()
        expect(page.get_by_role("alert")).to_contain_text("SQLSTATE 42601")
        self._failures.clear()  # the browser reports the 400

    def take(self, name: str) -> None:
        """Take a picture; the screen must fit and axe must have nothing to say."""
        picture = f"local-console-{name}-{self._name}"
        self.page.screenshot(path=self._pictures / f"{picture}.png")
        overflow = self.page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert overflow <= 0, f"{picture} is {overflow} pixels too wide"
        self.page.evaluate(AXE.read_text())  # unlike a script element, this passes the page's CSP
        found = self.page.evaluate("axe.run().then(result => result.violations)")
        assert not found, f"{picture}: {[(each['id'], each['nodes'][0]['html']) for each in found]}"


if __name__ == "__main__":
    main(Path(sys.argv[1]))
