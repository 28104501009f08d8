/** A part of a list. */
export interface Page {
  readonly limit: number;
  /** ID of the last entry of the previous page. @default from the beginning */
  readonly after?: string;
}

/** The maximum number of entries on a page of any list. */
export const longestPage = 200;
