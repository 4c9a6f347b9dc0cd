import type { UserPool } from "./user_pool.js";

export interface Tokens {
  access: string;
  refresh?: string;
  /** Milliseconds since 1970. */
  expiresAt: number;
}

/** Where tokens are kept between two calls, or two loads of a page. */
export interface TokenStore {
  load(): Tokens | undefined;
  save(tokens: Tokens | undefined): void;
}

const KEY = "atrium.tokens";
const MARGIN_MS = 30_000;

export function inMemory(): TokenStore {
  let kept: Tokens | undefined;
  return {
    load: () => kept,
    save: (tokens) => {
      kept = tokens;
    },
  };
}

/** Keep tokens in `sessionStorage` or `localStorage`. A script that runs in the page can read them there. */
export function inStorage(storage: Storage): TokenStore {
  return {
    load: () => JSON.parse(storage.getItem(KEY) ?? "null") ?? undefined,
    save: (tokens) =>
      tokens ? storage.setItem(KEY, JSON.stringify(tokens)) : storage.removeItem(KEY),
  };
}

/** The tokens of the person who is signed in. */
export class Session {
  /** The refreshes under way, by the access token that each replaces. */
  readonly #refreshing = new Map<string, Promise<string | undefined>>();

  constructor(
    private readonly pool: UserPool,
    private readonly store: TokenStore,
  ) {}

  get isSignedIn(): boolean {
    return this.store.load() !== undefined;
  }

  start(tokens: Tokens): void {
    this.store.save(tokens);
  }

  /** Return a token that is valid for a while longer; undefined without a sign-in. */
  async accessToken(): Promise<string | undefined> {
    const tokens = this.store.load();
    const ends = tokens !== undefined && tokens.expiresAt - MARGIN_MS < Date.now();
    return ends ? this.refresh(tokens.access) : tokens?.access;
  }

  /** Replace the token `refused`, once for all calls that were refused with it.
   *
   * Return undefined if its account has signed out: a call must not go on as somebody else.
   */
  async refresh(refused: string): Promise<string | undefined> {
    const tokens = this.store.load();
    if (!tokens || accountOf(tokens.access) !== accountOf(refused)) return undefined;
    if (tokens.access !== refused) return tokens.access;
    const running =
      this.#refreshing.get(refused) ??
      this.#replace(tokens).finally(() => this.#refreshing.delete(refused));
    this.#refreshing.set(refused, running);
    return running;
  }

  /** Revoke the refresh token and forget all tokens. */
  async end(): Promise<void> {
    const tokens = this.store.load();
    this.store.save(undefined);
    if (tokens?.refresh) await this.pool.revoke(tokens.refresh);
  }

  async #replace(tokens: Tokens): Promise<string | undefined> {
    const next = tokens.refresh ? await this.pool.refresh(tokens.refresh) : undefined;
    const now = this.store.load();
    if (now?.access === tokens.access) {
      this.store.save(next);
      return next?.access;
    }
    if (!now && next?.refresh) await this.pool.revoke(next.refresh); // signed out meanwhile
    return this.refresh(tokens.access);
  }
}

/** Return the claim `sub` of an access token. */
function accountOf(access: string): unknown {
  const [, claims = ""] = access.split(".");
  return JSON.parse(atob(claims.replaceAll("-", "+").replaceAll("_", "/"))).sub;
}
