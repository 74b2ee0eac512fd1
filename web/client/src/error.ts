import type { components } from "./openapi.js";

/** An error reply (RFC 9457): what happened, for people and for programs. */
export type Problem = components["schemas"]["Problem"];

/** What went wrong, for programs. Servers newer than this client may know more. */
export type ProblemCode = components["schemas"]["ProblemCode"];

/**
 * There is no answer. The message is written for readers.
 *
 * What the network or an `AbortSignal` throws is passed on as it is: a `TypeError` when the server
 * cannot be reached, the reason of the signal when the request was given up.
 */
export class AskbookError extends Error {
  override readonly name = "AskbookError";
  /** What the server said; absent when the reply is not of askbook, or broke off. */
  readonly problem: Problem | undefined;
  /** The status of the reply. That of a problem in a stream is in `problem`. */
  readonly status: number;
  /** Names the request in the server's log, when it is known. */
  readonly requestId: string | undefined;
  /** Whether a part of the answer had been sent: it may stay on the page, and is no answer. */
  readonly incomplete: boolean;

  constructor(
    message: string,
    response: Response,
    { problem, incomplete = false }: { problem?: Problem; incomplete?: boolean } = {},
  ) {
    super(message);
    this.problem = problem;
    this.status = response.status;
    this.requestId = problem?.request_id ?? response.headers.get("x-request-id") ?? undefined;
    this.incomplete = incomplete;
  }

  /** What went wrong, for programs; absent when the reply is not of askbook, or broke off. */
  get code(): ProblemCode | undefined {
    return this.problem?.code;
  }

  /** In how many seconds to try again, if that is known. */
  get retryAfter(): number | undefined {
    return this.problem?.retry_after;
  }
}

/** The error of a reply whose body was read already, or is not JSON. */
export function errorOf(response: Response, body: unknown): AskbookError {
  if (isProblem(body)) return new AskbookError(body.detail, response, { problem: body });
  const { status, url } = response;
  return new AskbookError(`${url} replied with status ${status}, and not as askbook does`, response);
}

/** Proxies have error documents of their own. */
function isProblem(body: unknown): body is Problem {
  if (typeof body !== "object" || body === null) return false;
  const { code, detail, request_id } = body as Partial<Record<keyof Problem, unknown>>;
  return [code, detail, request_id].every((field) => typeof field === "string");
}
