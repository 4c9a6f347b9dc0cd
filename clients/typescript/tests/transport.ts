import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { connect } from "@atrium/client";
import { transport } from "../src/transport.js";

const ADDRESS = "https://api.example/v1/orders";

/** A `fetch` that answers 503 first, then 200, and keeps what was sent. */
function busyOnce(headers: Record<string, string>) {
  const sent: Request[] = [];
  const send = async (request: Request) => {
    sent.push(request);
    return sent.length === 1 ? new Response("", { status: 503, headers }) : new Response("{}");
  };
  return { sent, call: transport(undefined, send as typeof fetch) };
}

test("a repeated request waits until the date in Retry-After, with the same key", async () => {
  mock.timers.enable({ apis: ["setTimeout", "Date"], now: Date.UTC(2030, 0, 1) });
  try {
    const { sent, call } = busyOnce({ "Retry-After": "Tue, 01 Jan 2030 00:00:09 GMT" });
    const answer = call(new Request(ADDRESS, { method: "POST", body: "{}" }));
    await turn();
    mock.timers.tick(8_999);
    await turn();
    assert.equal(sent.length, 1);
    mock.timers.tick(1);
    assert.equal((await answer).status, 200);
    const [first, second] = sent.map((request) => request.headers.get("Idempotency-Key"));
    assert.ok(first);
    assert.equal(second, first);
  } finally {
    mock.timers.reset();
  }
});

for (const header of ["soon", "21", "Tue, 01 Jan 2999 00:00:00 GMT"])
  test(`a response with Retry-After: ${header} is not repeated`, async () => {
    const { sent, call } = busyOnce({ "Retry-After": header });
    assert.equal((await call(new Request(ADDRESS))).status, 503);
    assert.equal(sent.length, 1);
  });

test("a change that may not be repeated is sent once", async () => {
  const { sent, call } = busyOnce({});
  assert.equal((await call(new Request(ADDRESS, { method: "PATCH", body: "{}" }))).status, 503);
  assert.equal(sent.length, 1);
});

test("an aborted request does not wait for its next attempt", async () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  try {
    const { sent, call } = busyOnce({ "Retry-After": "19" });
    const aborting = new AbortController();
    const answer = call(new Request(ADDRESS, { signal: aborting.signal }));
    await turn();
    aborting.abort(new Error("The person left."));
    await assert.rejects(answer, /The person left/);
    assert.equal(sent.length, 1);
  } finally {
    mock.timers.reset();
  }
});

for (const [method, first, refusal, expected] of [
  ["PUT", 504, 412, 504],
  ["DELETE", 503, 404, 503],
  ["PUT", 429, 412, 412], // a 429 was not carried out
  ["PUT", 504, 403, 403],
  ["GET", 504, 404, 404],
] as const)
  test(`${method} that ends with ${first}, then ${refusal} is a ${expected}`, async () => {
    const statuses: number[] = [first, refusal];
    const send = async () => new Response("", { status: statuses.shift() ?? 500 });
    const call = transport(undefined, send as typeof fetch);
    assert.equal((await call(new Request(ADDRESS, { method }))).status, expected);
  });

for (const session of ["", ".", ".."])
  test(`the path parameter "${session}" is refused: it would end all sessions`, async () => {
    const sent: string[] = [];
    const send = async (request: Request) => {
      sent.push(request.url);
      return Response.json({ issuer: "https://pool.example/p_1", client_id: "c", user_pool_id: "p_1" });
    };
    const atrium = await connect("https://api.example", { fetch: send as typeof fetch });
    const path = { id: "u", session };
    const params = { path };
    await assert.rejects(atrium.delete("/v1/users/{id}/sessions/{session}", { params }), RangeError);
    assert.deepEqual(sent, ["https://api.example/v1/configuration"]);
  });
