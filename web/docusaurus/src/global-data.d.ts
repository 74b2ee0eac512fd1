/** What the pages are told by the build. */
export interface GlobalData {
  /** Where askbook is. */
  server: string;
  /** The attributes of `<ask-book>` that the site sets. */
  attributes: Record<string, string>;
}
