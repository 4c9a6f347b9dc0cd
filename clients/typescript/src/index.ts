export { type Atrium, connect, ifMatch, type Options } from "./client.js";
export type { components, operations, paths } from "./contract.js";
export { beginHostedSignIn, endHostedSignIn } from "./hosted_page.js";
export { pages } from "./pages.js";
export { ApiError, type Problem, type ProblemCode } from "./problem.js";
export { inMemory, inStorage, Session, type Tokens, type TokenStore } from "./tokens.js";
export { type Configuration, type FurtherChallenge, SignInError } from "./user_pool.js";
