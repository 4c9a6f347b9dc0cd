import assert from "node:assert/strict";
import { test } from "node:test";
import {
  ApiError,
  type Atrium,
  beginHostedSignIn,
  connect,
  endHostedSignIn,
  ifMatch,
  inMemory,
  pages,
  SignInError,
} from "@atrium/client";

const {
  API_URL = "",
  EMAIL = "",
  PASSWORD = "",
  ADMIN_EMAIL = "",
  ADMIN_PASSWORD = "",
  HOSTED_CLIENT = "",
} = process.env;
const CALLBACK = "http://localhost:5173/";

const hasCode = (code: string) => (error: unknown) =>
  error instanceof ApiError && error.code === code;

const notStartedHere = (error: unknown) =>
  error instanceof SignInError && error.code === "state_mismatch";

async function signedIn(email = EMAIL, password = PASSWORD, options = {}): Promise<Atrium> {
  const atrium = await connect(API_URL, options);
  assert.equal(await atrium.signIn(email, password), undefined);
  return atrium;
}

/** A `fetch` that records each request, and loses the answers that `lose` picks. */
function observed(lose: (request: Request, earlier: Request[]) => Response | undefined) {
  const sent: Request[] = [];
  const send = async (request: Request) => {
    const lost = lose(request, [...sent]);
    sent.push(request);
    const answer = await fetch(request.clone());
    return lost ?? answer;
  };
  return { sent, fetch: send as typeof fetch };
}

const unavailable = () => new Response(null, { status: 503, headers: { "Retry-After": "0" } });

test("a member signs in by SRP, changes the record they read, and meets a lost update", async () => {
  const atrium = await signedIn();
  const me = await atrium.get("/v1/me");
  assert.equal(me.email, EMAIL);
  const changed = await atrium.patch("/v1/me", {
    params: { header: ifMatch(me) },
    body: { family_name: "King" },
  });
  assert.equal(changed.family_name, "King");
  const stale = { params: { header: ifMatch(me) }, body: { family_name: "Byron" } };
  await assert.rejects(atrium.patch("/v1/me", stale), hasCode("stale"));
  await atrium.patch("/v1/me", {
    params: { header: ifMatch(changed) },
    body: { family_name: "Lovelace" },
  });
});

test("a wrong password is Cognito's error", async () => {
  const atrium = await connect(API_URL);
  const refused = (error: unknown) =>
    error instanceof SignInError && error.code === "NotAuthorizedException";
  await assert.rejects(atrium.signIn(EMAIL, "Wrong-Horse-7-Battery"), refused);
  await assert.rejects(
    atrium.get("/v1/me"),
    (error) => error instanceof ApiError && error.status === 401,
  );
});

for (const [when, spoil] of [
  ["before a token ends", (access: string) => ({ access, expiresAt: Date.now() + 1000 })],
  [
    "after a 401",
    (access: string) => ({ access: access.slice(0, -8) + "AAAAAAAA", expiresAt: Infinity }),
  ],
] as const) {
  test(`tokens are refreshed ${when}, once for calls made together`, async () => {
    const tokens = inMemory();
    const atrium = await signedIn(EMAIL, PASSWORD, { tokens });
    let saved = 0;
    const kept = tokens.load();
    assert(kept);
    tokens.save({ ...kept, ...spoil(kept.access) });
    const save = tokens.save;
    tokens.save = (next) => {
      saved += 1;
      save(next);
    };
    await Promise.all([1, 2, 3].map(() => atrium.get("/v1/me")));
    assert.equal(saved, 1);
    const fresh = tokens.load()?.access;
    assert.notEqual(fresh, kept.access);
    // A call whose answer comes late was refused with the old token: it takes the new one.
    assert.equal(await atrium.session.refresh(spoil(kept.access).access), fresh);
    assert.equal(saved, 1);
  });
}

test("a POST whose answer was lost is repeated under its key, and counts once", async () => {
  const network = observed((request, earlier) =>
    request.method === "POST" && !earlier.some((sent) => sent.method === "POST")
      ? unavailable()
      : undefined,
  );
  const atrium = await signedIn(EMAIL, PASSWORD, { fetch: network.fetch });
  const [coffee] = await atrium.get("/v1/coffees").then((menu) => menu.items);
  assert(coffee);
  const before = (await all(orders(atrium))).length;
  await atrium.post("/v1/orders", { body: { lines: [{ coffee: coffee.id, quantity: 1 }] } });
  const keys = network.sent
    .filter((sent) => sent.method === "POST")
    .map((sent) => sent.headers.get("Idempotency-Key"));
  assert.equal(keys.length, 2);
  assert.equal(keys[0], keys[1]);
  assert.equal((await all(orders(atrium))).length, before + 1);
});

test("a PATCH is not repeated, and a GET not for ever", async () => {
  const network = observed((request) =>
    request.url.endsWith("/v1/me") ? unavailable() : undefined,
  );
  const atrium = await signedIn(EMAIL, PASSWORD, { fetch: network.fetch });
  const status = (error: unknown) => error instanceof ApiError && error.status === 503;
  const change = { params: { header: { "If-Match": "*" } }, body: { given_name: "Ada" } };
  await assert.rejects(atrium.patch("/v1/me", change), status);
  assert.equal(network.sent.filter((sent) => sent.method === "PATCH").length, 1);
  await assert.rejects(atrium.get("/v1/me"), status);
  assert.equal(
    network.sent.filter((sent) => sent.method === "GET" && sent.url.endsWith("/v1/me")).length,
    4,
  );
});

test("an administrator invites, grants, asks for a decision and reads the audit trail", async () => {
  const admin = await signedIn(ADMIN_EMAIL, ADMIN_PASSWORD);
  await admin.post("/v1/users", { body: { email: `guest-${crypto.randomUUID()}@example.org` } });
  const member = await (await signedIn()).get("/v1/me");
  const name = `clerk-${crypto.randomUUID().slice(0, 8)}`;
  const role = { description: "Reads documents", permissions: ["document.read"], parents: [] };
  await admin.put("/v1/roles/{role}", {
    params: { path: { role: name }, header: { "If-None-Match": "*" } },
    body: role,
  });
  const subject = { type: "user", id: member.uid };
  const question = { subject, action: { name: "read" }, resource: { type: "document", id: "7" } };
  const path = { id: member.uid };
  const grant = await admin.post("/v1/users/{id}/grants", {
    params: { path },
    body: { role: name, scope: "document:7" },
  });
  assert.equal((await admin.post("/access/v1/evaluation", { body: question })).decision, true);
  const revoke = { params: { path: { ...path, grant: grant.id }, header: ifMatch(grant) } };
  await admin.delete("/v1/users/{id}/grants/{grant}", revoke);
  const query = { limit: 2 };
  const trail = () =>
    pages((cursor) =>
      admin.get("/v1/users/{id}/audit-events", { params: { path, query: { ...query, cursor } } }),
    );
  let ids: string[] = [];
  const deadline = Date.now() + 60_000; // grants reach the trail by the table's stream
  while (ids.length <= query.limit && Date.now() < deadline) {
    ids = (await all(trail())).map((event) => event.id);
  }
  assert(ids.length > query.limit, "more than one page");
  assert.equal(new Set(ids).size, ids.length);
});

test("the sign-in page returns a code, which PKCE makes useless to others", async () => {
  const { configuration } = await connect(API_URL);
  const hosted = {
    ...configuration,
    client_id: HOSTED_CLIENT,
    authorization_endpoint: new URL("/oauth2/authorize", configuration.issuer ?? "").href,
    token_endpoint: new URL("/oauth2/token", configuration.issuer ?? "").href,
  };
  const kept = new Map<string, string>();
  const storage = {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => void kept.set(key, value),
    removeItem: (key: string) => void kept.delete(key),
  };
  const returned = await fillPage(await beginHostedSignIn(hosted, CALLBACK, storage));
  const [[key, pending] = ["", ""]] = [...kept];
  const forged = new URL(returned);
  forged.searchParams.set("state", "another");
  await assert.rejects(endHostedSignIn(hosted, forged, storage), notStartedHere);
  kept.set(key, JSON.stringify({ ...JSON.parse(pending), verifier: "x".repeat(43) }));
  await assert.rejects(endHostedSignIn(hosted, returned, storage), SignInError);

  const again = await fillPage(await beginHostedSignIn(hosted, CALLBACK, storage));
  const tokens = await endHostedSignIn(hosted, again, storage);
  assert(tokens.refresh && tokens.expiresAt > Date.now());
  const me = await fetch(`${API_URL}/v1/me`, {
    headers: { Authorization: `Bearer ${tokens.access}` },
  });
  assert.equal(me.status, 200);
  const replayed = endHostedSignIn(hosted, again, storage);
  await assert.rejects(replayed, notStartedHere);
});

test("after the session's end nothing is signed in", async () => {
  const tokens = inMemory();
  const atrium = await signedIn(EMAIL, PASSWORD, { tokens });
  const old = tokens.load();
  await atrium.session.end();
  assert.equal(atrium.session.isSignedIn, false);
  assert(old);
  atrium.session.start({ ...old, expiresAt: 0 });
  await assert.rejects(
    atrium.get("/v1/me"),
    (error) => error instanceof ApiError && error.status === 401,
  );
});

async function all<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const found: Item[] = [];
  for await (const item of items) found.push(item);
  return found;
}

function orders(atrium: Atrium) {
  return pages((cursor) => atrium.get("/v1/orders", { params: { query: { limit: 2, cursor } } }));
}

/** Sign in at the page as a browser does; return the address to which it sends the browser back. */
async function fillPage(address: URL): Promise<URL> {
  const cookies = new Map<string, string>();
  const visit = async (url: URL, body?: URLSearchParams) => {
    const Cookie = [...cookies].map((pair) => pair.join("=")).join("; ");
    const method = body ? "POST" : "GET";
    const answer = await fetch(url, { method, body, headers: { Cookie }, redirect: "manual" });
    for (const cookie of answer.headers.getSetCookie()) {
      const [name = "", value = ""] = (cookie.split(";")[0] ?? "").split(/=(.*)/);
      cookies.set(name, value);
    }
    const next = new URL(answer.headers.get("Location") ?? "", url);
    return { next, html: await answer.text() };
  };
  const { next: login } = await visit(address);
  const { html } = await visit(login);
  const hidden = [...html.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)"/g)];
  const form = new URLSearchParams(hidden.map(([, name = "", value = ""]) => [name, value]));
  form.set("username", EMAIL);
  form.set("password", PASSWORD);
  return (await visit(login, form)).next;
}
