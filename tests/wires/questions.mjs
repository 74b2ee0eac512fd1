// What the clients ask of the manual.
export const QUESTION = 'Why do I get a 403 from /chat?';
export const FOLLOW_UP = 'How do I allow it?';
export const OUTSIDE = 'Who won the football world cup in 1974?';
/** In the answers to the first two: a citation that is a link. */
export const ANSWER = /ALLOWED_ORIGINS[^]*\[\d+\]\(\/docs\/guides\/cors[#)]/;
