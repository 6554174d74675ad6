/**
 * What becomes of the fields that a dialect's public documentation has. The tests send each of them and hold the names
 * against the schemas and their clients' types; docs/FIELDS.md is made of it. Nothing else imports it: the service
 * worker stays small.
 */
export interface Field {
  /** `honoured` and `refused` fields are in the schema, those `without effect` are not. */
  readonly here: "honoured" | "refused" | "without effect";
  /** For the docs. */
  readonly because?: string;
  /** Values that are taken. Those of a honoured field change the answer, all others do not. */
  readonly takes?: readonly unknown[];
  /** Values that are a 400 which names the field. */
  readonly refuses?: readonly unknown[];
  /** Other fields that it is sent with. */
  readonly beside?: object;
  /** Without these it is a 400. */
  readonly needs?: object;
  /** With these it is a 400. */
  readonly excludes?: object;
  /** Why the answer is the same although it is honoured; for the tests. */
  readonly unseen?: string;
}

export type Fields = Readonly<Record<string, Field>>;

/** A dot leads into an object, or into the last item of a list. */
export interface DocumentedBody {
  readonly paths: readonly string[];
  readonly method?: "POST" | "DELETE";
  /** Where the fields are documented. */
  readonly source: string;
  /** What the fields are added to. */
  readonly base: object;
  readonly fields: Fields;
}

type Rest = Omit<Field, "here" | "because" | "takes" | "refuses">;

export const honoured = (takes: readonly unknown[], rest: Rest & Pick<Field, "because" | "refuses"> = {}): Field => ({
  here: "honoured",
  takes,
  ...rest,
});

export const refused = (refuses: readonly unknown[], because: string, takes: readonly unknown[] = []): Field => ({
  here: "refused",
  because,
  refuses,
  takes,
});

export const withoutEffect = (takes: readonly unknown[], because: string, beside: object = {}): Field => ({
  here: "without effect",
  because,
  takes,
  beside,
});
