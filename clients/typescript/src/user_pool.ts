import type { components } from "./contract.js";
import type { Tokens } from "./tokens.js";
import { answerOf, beginSrp, type Challenge } from "./srp.js";

export type Configuration = components["schemas"]["Configuration"];

/** A refusal of the user pool; `code` is Cognito's, such as `NotAuthorizedException`. */
export class SignInError extends Error {
  override readonly name = "SignInError";

  constructor(
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

interface AuthenticationResult {
  AccessToken: string;
  RefreshToken?: string;
  ExpiresIn: number;
}

interface AuthAnswer {
  AuthenticationResult?: AuthenticationResult;
  ChallengeName?: string;
  ChallengeParameters?: Record<string, string>;
  Session?: string;
}

/** A question that Cognito asks after the password: a code, or a new password. */
export interface FurtherChallenge {
  name: string;
  answer(responses: Record<string, string>): Promise<Tokens | FurtherChallenge>;
}

/** The client of a user pool, whose client at Cognito has no secret. */
export class UserPool {
  readonly #endpoint: URL;
  readonly #clientId: string;
  readonly #name: string;

  constructor(configuration: Configuration) {
    const { issuer, client_id, user_pool_id } = configuration;
    if (!issuer || !client_id || !user_pool_id) throw new Error("This API has no user pool.");
    this.#endpoint = new URL("/", issuer);
    this.#clientId = client_id;
    this.#name = user_pool_id.slice(user_pool_id.indexOf("_") + 1);
  }

  /** Sign in by SRP: the password does not leave this machine. */
  async signIn(email: string, password: string): Promise<Tokens | FurtherChallenge> {
    const srp = beginSrp();
    const started = await this.#call<AuthAnswer>("InitiateAuth", {
      ClientId: this.#clientId,
      AuthFlow: "USER_SRP_AUTH",
      AuthParameters: { USERNAME: email, SRP_A: srp.publicValue },
    });
    if (started.ChallengeName !== "PASSWORD_VERIFIER") return this.#outcome(started);
    const challenge = started.ChallengeParameters as unknown as Challenge;
    const responses = await answerOf(srp, this.#name, password, challenge);
    return this.#respond("PASSWORD_VERIFIER", responses, started.Session);
  }

  /** Return new tokens; undefined if the refresh token is revoked or too old. */
  async refresh(refreshToken: string): Promise<Tokens | undefined> {
    try {
      const answer = await this.#call<AuthAnswer>("GetTokensFromRefreshToken", {
        ClientId: this.#clientId,
        RefreshToken: refreshToken,
      });
      const result = answer.AuthenticationResult;
      return result && tokensOf(result, refreshToken);
    } catch (refused) {
      const ended = refused instanceof SignInError && refused.code === "NotAuthorizedException";
      if (!ended) throw refused;
      return undefined;
    }
  }

  async revoke(refreshToken: string): Promise<void> {
    await this.#call("RevokeToken", { ClientId: this.#clientId, Token: refreshToken });
  }

  async #respond(
    name: string,
    responses: Record<string, string>,
    session?: string,
  ): Promise<Tokens | FurtherChallenge> {
    const answer = await this.#call<AuthAnswer>("RespondToAuthChallenge", {
      ClientId: this.#clientId,
      ChallengeName: name,
      ChallengeResponses: responses,
      Session: session,
    });
    return this.#outcome(answer, responses["USERNAME"]);
  }

  #outcome(answer: AuthAnswer, username = ""): Tokens | FurtherChallenge {
    if (answer.AuthenticationResult) return tokensOf(answer.AuthenticationResult);
    const name = answer.ChallengeName ?? "";
    return {
      name,
      answer: (responses) =>
        this.#respond(name, { USERNAME: username, ...responses }, answer.Session),
    };
  }

  async #call<Answer>(operation: string, body: unknown): Promise<Answer> {
    const response = await fetch(this.#endpoint, {
      method: "POST",
      headers: {
        "Content-Type": "application/x-amz-json-1.1",
        "X-Amz-Target": `AWSCognitoIdentityProviderService.${operation}`,
      },
      body: JSON.stringify(body),
    });
    const text = await response.text();
    const answer = text ? JSON.parse(text) : {};
    if (response.ok) return answer as Answer;
    const code =
      String(answer.__type ?? "")
        .split("#")
        .at(-1) || `http_${response.status}`;
    throw new SignInError(code, answer.message ?? `Cognito answered ${response.status}.`);
  }
}

function tokensOf(result: AuthenticationResult, refreshToken?: string): Tokens {
  return {
    access: result.AccessToken,
    refresh: result.RefreshToken ?? refreshToken,
    expiresAt: Date.now() + result.ExpiresIn * 1000,
  };
}
