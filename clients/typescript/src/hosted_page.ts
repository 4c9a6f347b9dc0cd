import type { Tokens } from "./tokens.js";
import { type Configuration, SignInError } from "./user_pool.js";

/** What must be kept while the person is on the sign-in page. */
interface Pending {
  state: string;
  verifier: string;
  redirect: string;
}

const KEY = "atrium.sign_in";

/** Return the address of the sign-in page (authorization code with PKCE, RFC 7636). */
export async function beginHostedSignIn(
  configuration: Configuration,
  redirect: string,
  storage: Pick<Storage, "setItem">,
): Promise<URL> {
  if (!configuration.authorization_endpoint) throw new Error("This API has no sign-in page.");
  const pending: Pending = { state: random(), verifier: random(), redirect };
  storage.setItem(KEY, JSON.stringify(pending));
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(pending.verifier));
  const address = new URL(configuration.authorization_endpoint);
  address.search = new URLSearchParams({
    response_type: "code",
    client_id: configuration.client_id ?? "",
    redirect_uri: redirect,
    scope: "openid email",
    state: pending.state,
    code_challenge: base64url(new Uint8Array(digest)),
    code_challenge_method: "S256",
  }).toString();
  return address;
}

/** Exchange the code in the address to which the page sent the person back. */
export async function endHostedSignIn(
  configuration: Configuration,
  returned: URL,
  storage: Pick<Storage, "getItem" | "removeItem">,
): Promise<Tokens> {
  const pending: Pending | null = JSON.parse(storage.getItem(KEY) ?? "null");
  storage.removeItem(KEY);
  const answer = returned.searchParams;
  if (!pending || answer.get("state") !== pending.state)
    throw new SignInError("state_mismatch", "This sign-in was not started here. Start it again.");
  const code = answer.get("code");
  if (!code)
    throw new SignInError(
      answer.get("error") ?? "code_missing",
      answer.get("error_description") ?? "The sign-in page returned no code.",
    );
  const response = await fetch(configuration.token_endpoint ?? "", {
    method: "POST",
    body: new URLSearchParams({
      grant_type: "authorization_code",
      client_id: configuration.client_id ?? "",
      redirect_uri: pending.redirect,
      code,
      code_verifier: pending.verifier,
    }),
  });
  const body = await response.json();
  if (!response.ok)
    throw new SignInError(
      body.error,
      body.error_description ?? "The code was refused. Sign in again.",
    );
  const expiresAt = Date.now() + body.expires_in * 1000;
  return { access: body.access_token, refresh: body.refresh_token, expiresAt };
}

function random(): string {
  return base64url(crypto.getRandomValues(new Uint8Array(32)));
}

function base64url(bytes: Uint8Array): string {
  const text = btoa(String.fromCharCode(...bytes));
  return text.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}
