/**
 * A typed client of askbook. Its types are generated from the document of the HTTP API
 * (`openapi/openapi.json`), and so cannot say anything else than the server does.
 */
export { Askbook, type CallOptions, type Options } from "./client.js";
export { AskbookError, type Problem, type ProblemCode } from "./error.js";
export type { components, paths } from "./openapi.js";
export { type ChatEvent, chatEvents, type Done } from "./stream.js";

import type { components } from "./openapi.js";

export type ChatRequest = components["schemas"]["ChatRequest"];
export type ChatReply = components["schemas"]["ChatReply"];
export type Source = components["schemas"]["Source"];
export type Suggestion = components["schemas"]["Suggestion"];
export type SearchRequest = components["schemas"]["SearchRequest"];
export type SearchReply = components["schemas"]["SearchReply"];
export type FeedbackRequest = components["schemas"]["FeedbackRequest"];
