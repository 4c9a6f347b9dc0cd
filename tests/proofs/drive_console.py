"""Drive /console of a running stack in Chromium, in both themes, on a desktop and a phone.

`make proof-console` runs this in an environment of its own with API_URL, the credentials of a
member and of an administrator, and HOSTED_CLIENT, a client of the pool that has a sign-in page. The argument is the folder for screenshots. axe checks each screen.
"""

import os
import shutil
import sys
import uuid
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, Page, Route, expect, sync_playwright

SIZES = {"desktop": (1280, 900), "phone": (390, 844)}
AXE = Path(__file__).parents[2] / "examples/web/node_modules/axe-core/axe.min.js"


class Visitor:
    """A user of the console, with one theme and one screen size."""

    def __init__(self, browser: Browser, theme: str, device: str, pictures: Path) -> None:
        self._browser, self._theme, self._device = browser, theme, device
        self._pictures = pictures
        self.failures = list[str]()
        self.hosts = set[str]()
        self.context = self._new_context()
        self.page = self.open(self.context)

    def _new_context(self) -> BrowserContext:
        width, height = SIZES[self._device]
        context = self._browser.new_context(
            color_scheme=self._theme, viewport={"width": width, "height": height}
        )
        context.route("**/v1/configuration", without_sign_in_page)
        return context

    def open(self, context: BrowserContext) -> Page:
        page = context.new_page()
        page.on("pageerror", lambda error: self.failures.append(str(error)))
        page.on("request", lambda sent: self.hosts.add(urlsplit(sent.url).hostname or "data"))
        page.goto(f"{os.environ['API_URL']}/console")
        return page

    def elsewhere(self, email: str, password: str) -> None:
        """Sign in with another browser, which is another session."""
        context = self._new_context()
        page = self.open(context)
        sign_in(page, email, password)
        expect(page.get_by_text(email)).to_be_visible()  # the first request begins the session
        context.close()

    def go(self, title: str) -> None:
        self.page.get_by_role("link", name=title, exact=True).click()
        expect(self.page.get_by_role("heading", level=1)).to_have_text(title)
        expect(self.page.get_by_role("heading", level=1)).to_be_focused()

    def take(self, name: str) -> None:
        """Take a screenshot.

        Fail if the page is wider than the screen or axe reports a violation.
        """
        expect(self.page.get_by_text("Loading…")).to_have_count(0)
        picture = f"console-{name}-{self._device}-{self._theme}"
        self.page.screenshot(path=self._pictures / f"{picture}.png")
        overflow = self.page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert overflow <= 0, f"{picture} is {overflow} pixels too wide"
        self.page.evaluate(AXE.read_text())  # unlike a script element, this passes the page's CSP
        found = self.page.evaluate("axe.run().then(result => result.violations)")
        assert not found, f"{picture}: {[(each['id'], each['nodes'][0]['html']) for each in found]}"


def main(pictures: Path) -> None:
    pictures.mkdir(parents=True, exist_ok=True)
    program = shutil.which("chromium") or sys.exit("Install Debian's package chromium.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=program, args=["--no-sandbox", "--no-proxy-server"]
        )
        for theme in ("light", "dark"):
            for device in SIZES:
                for visit in (be_member, be_admin):
                    visitor = Visitor(browser, theme, device, pictures)
                    visit(visitor)
                    assert visitor.hosts <= {"127.0.0.1", "data"}, visitor.hosts
                    assert not visitor.failures, visitor.failures
                    visitor.context.close()
        sign_in_on_the_page(browser)
        browser.close()


def without_sign_in_page(route: Route) -> None:
    answer = route.fetch()
    none = {"authorization_endpoint": None, "token_endpoint": None}
    route.fulfill(response=answer, json=answer.json() | none)


def with_sign_in_page(route: Route) -> None:
    answer = route.fetch()
    configuration = answer.json()
    issuer = urlsplit(configuration["issuer"])
    page = f"{issuer.scheme}://{issuer.netloc}/oauth2"
    hosted = {
        "client_id": os.environ["HOSTED_CLIENT"],
        "authorization_endpoint": f"{page}/authorize",
        "token_endpoint": f"{page}/token",
    }
    route.fulfill(response=answer, json=configuration | hosted)


def sign_in_on_the_page(browser: Browser) -> None:
    """Sign in on the pool's page, which over HTTP redirects only to localhost."""
    page = browser.new_page()
    page.route("**/v1/configuration", with_sign_in_page)
    page.goto(f"{os.environ['API_URL'].replace('127.0.0.1', 'localhost')}/console")
    page.get_by_role("button", name="Go to the sign-in page").click()
    page.locator("[name=username]").fill(os.environ["EMAIL"])
    page.locator("[name=password]").fill(os.environ["PASSWORD"])
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Profile")
    expect(page.get_by_text(os.environ["EMAIL"])).to_be_visible()
    assert "code=" not in page.url, "the code must not stay in the address"


def be_member(visitor: Visitor) -> None:
    page, email, password = visitor.page, os.environ["EMAIL"], os.environ["PASSWORD"]
    visitor.take("sign-in")
    fill(page, "Sign in", Email=email, Password="wrong")
    expect(page.get_by_role("alert")).to_have_text("Incorrect username or password.")
    visitor.take("refused")
    sign_in(page, email, password)
    change_profile(visitor)
    visitor.elsewhere(email, password)
    visitor.go("Sessions")
    rows = page.get_by_role("list", name="Sessions").get_by_role("listitem")
    expect(rows.filter(has_text="this session")).to_have_count(1)
    before = rows.count()
    assert before > 1, "the other browser's session is listed"
    visitor.take("sessions")
    page.get_by_role("button", name="End:").first.click()
    expect(page.get_by_role("status")).to_have_text("The session has ended.")
    expect(rows).to_have_count(before - 1)
    visitor.go("Attributes")
    visitor.take("attributes")
    visitor.go("May I?")
    fill(page, "May I?", Permission="document.read")
    expect(page.locator("output")).to_have_text("No: document.read everywhere")
    visitor.take("may-i")
    page.evaluate("location.hash = '/constructor'")  # a name that every object of JavaScript has
    expect(page.get_by_role("heading", level=1)).to_have_text("Profile")
    expect(page.get_by_role("link", name="Users")).to_have_count(0)
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")
    page.reload()
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")


def change_profile(visitor: Visitor) -> None:
    """Change the profile in two windows: the second one shows what the first saved."""
    page, name = visitor.page, uuid.uuid4().hex[:6]
    form = page.get_by_role("form", name="Profile")
    expect(form.get_by_label("Given name")).to_have_value("Ada")
    fill(page, "Profile", **{"Family name": f"First {name}"})
    expect(page.get_by_role("status")).to_have_text("Your profile is saved.")
    save_elsewhere(page, f"Second {name}")
    fill(page, "Profile", **{"Family name": f"Third {name}"})
    expect(page.get_by_role("alert")).to_contain_text("changed elsewhere")
    expect(form).to_contain_text(f"Second {name}")
    expect(form.get_by_label("Family name")).to_have_value(f"Third {name}")
    visitor.take("conflict")
    form.get_by_role("button").click()
    expect(page.get_by_role("status")).to_have_text("Your profile is saved.")
    visitor.take("profile")


def save_elsewhere(page: Page, family_name: str) -> None:
    page.evaluate(
        """async (family_name) => {
            const { access } = JSON.parse(sessionStorage.getItem("atrium.tokens"));
            const answer = await fetch("/v1/me", {
                method: "PATCH", body: JSON.stringify({ family_name }),
                headers: {
                    Authorization: `Bearer ${access}`, "If-Match": "*",
                    "Content-Type": "application/merge-patch+json",
                },
            });
            if (!answer.ok) throw new Error(await answer.text());
        }""",
        family_name,
    )


def be_admin(visitor: Visitor) -> None:
    page, name = visitor.page, uuid.uuid4().hex[:6]
    sign_in(page, os.environ["ADMIN_EMAIL"], os.environ["ADMIN_PASSWORD"])
    for change in range(20):  # more than a page of the audit trail, on a new stack, too
        save_elsewhere(page, f"Admin {change}")
    visitor.go("Roles")
    role = f"reader-{name}"
    fill(page, "New role", Name=role, Description="Reads documents", Permissions="document.read")
    expect(page.get_by_role("status")).to_have_text(f"The role {role} exists now.")
    visitor.take("roles")
    visitor.go("Users")
    fill(page, "Search", **{"Name or email": os.environ["EMAIL"]})
    visitor.take("users")
    page.get_by_role("link", name=os.environ["EMAIL"]).click()
    fill(page, "Grant a role", Role=role, Scope="document:7")
    expect(page.get_by_role("status")).to_have_text(f"{role} is granted.")
    grants = page.get_by_role("list", name="Grants")
    expect(grants).to_contain_text(role)
    user = page.url
    grant_under_a_condition(page, user.rsplit("/", 1)[1], role)
    page.reload()
    conditional = grants.get_by_role("listitem").filter(has_text="document:8")
    expect(conditional).to_contain_text('only if {"<":[{"var":"resource.size"},9]}')
    expect(conditional).to_contain_text("until")
    visitor.take("user")
    visitor.go("Decisions")
    ask(visitor, user, "7", "Yes")
    ask(visitor, user, "8", "No")
    visitor.take("decisions")
    page.goto(user)
    for left in (1, 0):
        page.get_by_role("button", name=f"Revoke: {role}").first.click()
        expect(page.get_by_role("status")).to_have_text("The grant is revoked.")
        expect(page.get_by_text(role)).to_have_count(left)
    visitor.go("Invitations")
    guest = f"guest-{name}@example.org"
    fill(page, "Invite somebody", Email=guest)
    expect(page.get_by_role("status")).to_contain_text(guest)
    expect(page.get_by_role("list", name="Invitations")).to_contain_text(guest)
    visitor.take("invitations")
    visitor.go("Audit trail")
    expect(page.get_by_role("list", name="Audit events")).to_contain_text("role.created")
    visitor.take("audit")
    page.get_by_role("button", name="Show more").click()
    expect(page.get_by_role("listitem").nth(20)).to_be_visible()


def grant_under_a_condition(page: Page, uid: str, role: str) -> None:
    page.evaluate(
        """async ([uid, role]) => {
            const { access } = JSON.parse(sessionStorage.getItem("atrium.tokens"));
            const condition = { "<": [{ var: "resource.size" }, 9] };
            const expires_at = "2100-01-01T00:00:00Z";
            const answer = await fetch(`/v1/users/${uid}/grants`, {
                method: "POST",
                body: JSON.stringify({ role, scope: "document:8", condition, expires_at }),
                headers: {
                    Authorization: `Bearer ${access}`, "Idempotency-Key": crypto.randomUUID(),
                    "Content-Type": "application/json",
                },
            });
            if (!answer.ok) throw new Error(await answer.text());
        }""",
        [uid, role],
    )


def ask(visitor: Visitor, user: str, document: str, answer: str) -> None:
    fill(
        visitor.page, "May this user?", User=user.rsplit("/", 1)[1], **{"Id of resource": document}
    )
    expect(visitor.page.locator("output")).to_have_text(f"{answer}: read document {document}")


def sign_in(page: Page, email: str, password: str) -> None:
    fill(page, "Sign in", Email=email, Password=password)
    expect(page.get_by_role("heading", level=1)).to_have_text("Profile")


def fill(page: Page, form: str, **values: str) -> None:
    """Fill the fields of a form by their labels, and send it."""
    found = page.get_by_role("form", name=form)
    for label, value in values.items():
        found.get_by_label(label, exact=True).fill(value)
    found.get_by_role("button").click()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
