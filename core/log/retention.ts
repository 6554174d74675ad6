/** How much of a log is kept; `null`: no limit. */
export interface Retention {
  /** Since the request came. */
  readonly days: number | null;
  readonly records: number | null;
  /** Of the records as JSON. */
  readonly bytes: number | null;
}

export const KEEP_ALL: Retention = { days: null, records: null, bytes: null };
