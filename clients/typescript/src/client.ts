import createClient, { type FetchResponse, type MaybeOptionalInit } from "openapi-fetch";
import type { paths } from "./contract.js";
import { ApiError, type Problem } from "./problem.js";
import { inMemory, Session, type Tokens, type TokenStore } from "./tokens.js";
import { transport } from "./transport.js";
import { type Configuration, type FurtherChallenge, UserPool } from "./user_pool.js";

type Method = "get" | "put" | "post" | "patch" | "delete";

/** Idempotency-Key, which the client adds; or If-Match, which If-None-Match can replace. */
type Optional = { "Idempotency-Key": string } | { "If-Match": string; "If-None-Match"?: string };

/** An operation whose required headers may be left out. */
type Eased<Operation> = Operation extends { parameters: { header: Optional & infer Headers } }
  ? Omit<Operation, "parameters"> & {
      parameters: Omit<Operation["parameters"], "header"> & {
        header?: Partial<Headers>;
      };
    }
  : Operation;

type Paths = { [Path in keyof paths]: { [Name in keyof paths[Path]]: Eased<paths[Path][Name]> } };
type PathsWith<Name extends Method> = {
  [Path in keyof Paths]: Paths[Path] extends { [Key in Name]: Record<string | number, any> }
    ? Path
    : never;
}[keyof Paths];
type Init<Path extends keyof Paths, Name extends Method> = MaybeOptionalInit<
  Paths[Path],
  Name & keyof Paths[Path]
>;
type Arguments<Given> = Record<never, never> extends Given ? [init?: Given] : [init: Given];
type Data<Answer> = Answer extends { error?: undefined; data: infer Found } ? Found : never;
type Call<Name extends Method> = <Path extends PathsWith<Name>>(
  path: Path,
  ...init: Arguments<Init<Path, Name>>
) => Promise<
  Data<
    FetchResponse<
      Paths[Path][Name & keyof Paths[Path]] & Record<string | number, any>,
      {},
      "application/json"
    >
  >
>;

/** The API, in the name of the person who is signed in. Errors are thrown as `ApiError`. */
export interface Atrium {
  configuration: Configuration;
  session: Session;
  /** Sign in by SRP. Return undefined, or Cognito's next question. */
  signIn(email: string, password: string): Promise<FurtherChallenge | undefined>;
  get: Call<"get">;
  put: Call<"put">;
  post: Call<"post">;
  patch: Call<"patch">;
  delete: Call<"delete">;
}

export interface Options {
  /** Where the tokens are kept; in memory by default. */
  tokens?: TokenStore;
  fetch?: typeof fetch;
}

const entityTags = new WeakMap<object, string>();

/** Return the header that changes an object only if it is still as it was read. */
export function ifMatch(read: object): { "If-Match": string } {
  const tag = entityTags.get(read);
  if (!tag) throw new Error("This object has no entity tag: read it by its own address.");
  return { "If-Match": tag };
}

/** Return a client of the API at `address`, which tells it everything else. */
export async function connect(address: string, options: Options = {}): Promise<Atrium> {
  const configuration: Configuration = await caller(address, undefined, options)("get")(
    "/v1/configuration",
  );
  const pool = new UserPool(configuration);
  const session = new Session(pool, options.tokens ?? inMemory());
  const call = caller(address, session, options);
  return {
    configuration,
    session,
    signIn: async (email, password) => signedIn(session, await pool.signIn(email, password)),
    get: call("get"),
    put: call("put"),
    post: call("post"),
    patch: call("patch"),
    delete: call("delete"),
  };
}

/** Start the session, at once or after the answer to a further challenge. */
function signedIn(
  session: Session,
  outcome: Tokens | FurtherChallenge,
): FurtherChallenge | undefined {
  if (!("access" in outcome)) {
    const answer: FurtherChallenge["answer"] = async (responses) => {
      const next = await outcome.answer(responses);
      return signedIn(session, next) ?? next;
    };
    return { name: outcome.name, answer };
  }
  session.start(outcome);
  return undefined;
}

function caller(address: string, session: Session | undefined, options: Options) {
  const client = createClient<any>({ baseUrl: address, fetch: transport(session, options.fetch) });
  return <Name extends Method>(method: Name): Call<Name> =>
    (async (path: string, init: { params?: { path?: object } } = {}) => {
      refuseDots(init.params?.path ?? {});
      const { data, error, response } = await client.request(
        method as "get",
        path as never,
        init as never,
      );
      if (!response.ok) throw refusal(response.status, error);
      const tag = response.headers.get("ETag");
      if (tag && typeof data === "object" && data !== null) entityTags.set(data, tag);
      return data;
    }) as unknown as Call<Name>;
}

/** Throw for a value with which the address would name another resource. */
function refuseDots(values: object): void {
  for (const [name, value] of Object.entries(values))
    if (["", ".", ".."].includes(String(value)))
      throw new RangeError(`"${value}" cannot be the path parameter ${name}.`);
}

function refusal(status: number, body: unknown): ApiError {
  const hasCode = typeof body === "object" && body !== null && "code" in body;
  return new ApiError(
    status,
    hasCode ? (body as Problem) : undefined,
    typeof body === "string" ? body : undefined,
  );
}
