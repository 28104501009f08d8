/** A part of a list. */
export interface Page {
  readonly limit: number;
  /** The last entry of the page before: an id. @default from the beginning */
  readonly after?: string;
}

/** As many entries as a page of any list has at most. */
export const longestPage = 200;
