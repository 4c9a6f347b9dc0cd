import { problemOf } from "./problem.js";
import type { Session } from "./tokens.js";

const RETRIES = 3;
const FIRST_WAIT_MS = 200;
const LONGEST_WAIT_MS = 20_000;
const REPEATABLE = new Set(["GET", "HEAD", "PUT", "DELETE"]);
const TRANSIENT = new Set([429, 502, 503, 504]);
const NOT_CURED_BY_REFRESH = new Set([
  "recent_sign_in_required",
  "session_ended",
  "user_disabled",
  "user_gone",
]);

/** Return a `fetch` that adds the token and an idempotency key, refreshes, and retries. */
export function transport(
  session: Session | undefined,
  send: typeof fetch = (...sent) => fetch(...sent),
): (request: Request) => Promise<Response> {
  return async (request) => {
    if (request.method === "POST" && !request.headers.has("Idempotency-Key"))
      request.headers.set("Idempotency-Key", crypto.randomUUID());
    const token = await session?.accessToken();
    const response = await sendWithRetries(authorized(request, token), send);
    if (!session || !token || response.status !== 401) return response;
    const code = (await problemOf(response))?.code;
    if (code && NOT_CURED_BY_REFRESH.has(code)) return response;
    const fresh = await session.refresh(token);
    return fresh ? sendWithRetries(authorized(request, fresh), send) : response;
  };
}

/** Return a copy, so that the original's body can be sent again. */
function authorized(request: Request, token: string | undefined): Request {
  const copy = request.clone();
  if (token) copy.headers.set("Authorization", `Bearer ${token}`);
  return copy;
}

async function sendWithRetries(request: Request, send: typeof fetch): Promise<Response> {
  let unclear: unknown; // an outcome that does not say whether the request was carried out
  for (let attempt = 0; ; attempt++) {
    const outcome = await send(request.clone()).catch((failure: unknown) => failure);
    const wait = attempt < RETRIES ? waitBefore(attempt, request, outcome) : undefined;
    if (wait === undefined) {
      const final = unclear && mayBeOwnEffect(request, outcome) ? unclear : outcome;
      if (final instanceof Response) return final;
      throw final;
    }
    if (!(outcome instanceof Response) || outcome.status !== 429) unclear = outcome;
    await pause(wait, request.signal);
  }
}

/** Return whether an earlier attempt of the same change may have caused this refusal. */
function mayBeOwnEffect(request: Request, outcome: unknown): boolean {
  if (!(outcome instanceof Response)) return false;
  return outcome.status === 412 || (request.method === "DELETE" && outcome.status === 404);
}

/** Wait, and throw the signal's reason as soon as the caller aborts. */
async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const abort = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", abort);
      resolve();
    }, milliseconds);
    signal.addEventListener("abort", abort, { once: true });
  });
}

/** Return the milliseconds before the next attempt; undefined if the outcome is final. */
function waitBefore(attempt: number, request: Request, outcome: unknown): number | undefined {
  const repeatable = REPEATABLE.has(request.method) || request.headers.has("Idempotency-Key");
  if (!repeatable || request.signal.aborted) return undefined;
  const backOff = FIRST_WAIT_MS * 2 ** attempt * (0.5 + Math.random() / 2);
  if (!(outcome instanceof Response)) return backOff;
  if (!TRANSIENT.has(outcome.status)) return undefined;
  const asked = retryAfter(outcome.headers.get("Retry-After") ?? "0");
  return asked <= LONGEST_WAIT_MS ? Math.max(asked, backOff) : undefined;
}

/** Return the milliseconds of `Retry-After`: seconds or a date (RFC 9110). NaN for anything else. */
function retryAfter(header: string): number {
  const seconds = Number(header);
  return Number.isNaN(seconds) ? Date.parse(header) - Date.now() : seconds * 1000;
}
