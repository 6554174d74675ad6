const PREFIX = "cassette:";

/** Of a model: `paris` of `cassette:paris`; `null`: it is none of ours. */
export const cassetteOf = (model: string): string | null =>
  model.startsWith(PREFIX) ? model.slice(PREFIX.length) : null;

/** Also a name of a file, in any folder and any URL. */
export const isCassetteName = (name: string): boolean => /^\w[\w.-]*$/.test(name);

export const modelOf = (cassette: string): string => PREFIX + cassette;
