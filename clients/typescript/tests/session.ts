import assert from "node:assert/strict";
import { test } from "node:test";
import { inMemory, Session, type Tokens } from "@atrium/client";
import type { UserPool } from "../src/user_pool.js";

const tokensOf = (sub: string, number: number, expiresAt = Infinity): Tokens => ({
  access: `${number}.${btoa(JSON.stringify({ sub }))}.signature`,
  refresh: `${sub}-${number}`,
  expiresAt,
});

/** A session of Ada, whose refresh waits until `answer` is called. */
function refreshing() {
  let answer: (tokens: Tokens) => void = () => undefined;
  const adas = new Promise<Tokens>((resolve) => (answer = resolve));
  const revoked: string[] = [];
  const pool = {
    refresh: (token: string) => (token === ada.refresh ? adas : Promise.resolve(BOBS_NEXT)),
    revoke: async (token: string) => void revoked.push(token),
  } as unknown as UserPool;
  const ada = tokensOf("ada", 1);
  const session = new Session(pool, inMemory());
  session.start(ada);
  return { session, ada, answer, revoked, refreshed: session.refresh(ada.access) };
}

const NEXT = tokensOf("ada", 2);
const BOB = tokensOf("bob", 1);
const BOBS_NEXT = tokensOf("bob", 2);

test("a refresh that ends after somebody else signed in leaves their session", async () => {
  const { session, ada, answer, refreshed } = refreshing();
  session.start(BOB);
  assert.equal(await session.refresh(ada.access), undefined);
  answer(NEXT);
  assert.equal(await refreshed, undefined, "Ada's call must not go on as Bob");
  assert.equal(await session.accessToken(), BOB.access);
});

test("a refresh that ends after the sign-out is revoked and forgotten", async () => {
  const { session, answer, revoked, refreshed } = refreshing();
  await session.end();
  answer(NEXT);
  assert.equal(await refreshed, undefined);
  assert.equal(session.isSignedIn, false);
  assert.deepEqual(revoked, ["ada-1", "ada-2"]);
});

test("a second session's refresh does not wait for the first one's", async () => {
  const { session, answer, refreshed } = refreshing();
  session.start(BOB);
  const own = session.refresh(BOB.access);
  answer(NEXT);
  await refreshed;
  assert.equal(await own, BOBS_NEXT.access);
  assert.equal(await session.accessToken(), BOBS_NEXT.access);
});
