import type { components } from "./contract.js";

export type Problem = components["schemas"]["Problem"];
export type ProblemCode = Problem["code"];

/** An answer of the API with a status of 400 or more. */
export class ApiError extends Error {
  override readonly name = "ApiError";

  /** AuthZEN's operations answer errors with a text; then `problem` is undefined. */
  constructor(
    readonly status: number,
    readonly problem: Problem | undefined,
    text?: string,
  ) {
    super(problem?.detail ?? problem?.title ?? (text || `The API answered ${status}.`));
  }

  get code(): ProblemCode | undefined {
    return this.problem?.code;
  }
}

/** Return the problem document that a response carries, and leave its body readable. */
export async function problemOf(response: Response): Promise<Problem | undefined> {
  if (!response.headers.get("Content-Type")?.startsWith("application/problem+json"))
    return undefined;
  return (await response.clone().json()) as Problem;
}
