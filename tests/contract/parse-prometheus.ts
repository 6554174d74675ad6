import { assert } from "chai";

export interface Metrics {
  /** Of the sample as it is written: name and labels. */
  value(sample: string): number;
}

const NAME = "[a-zA-Z_:][a-zA-Z0-9_:]*";
const LABEL = String.raw`[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*"`;
const SAMPLE = new RegExp(
  String.raw`^((${NAME})(?:\{(${LABEL}(?:,${LABEL})*)\})?) (NaN|[+-]Inf|-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)$`,
);

/**
 * Strict: by https://prometheus.io/docs/instrumenting/exposition_formats/, with the conventions that its own checker
 * (`promtool check metrics`) asks for. Throws an assertion that names the line.
 */
export function parsePrometheus(text: string): Metrics {
  assert.isTrue(text.endsWith("\n"), "the last line ends");
  const types = new Map<string, string>();
  const samples = new Map<string, number>();
  let family = "";
  for (const line of text.slice(0, -1).split("\n")) {
    const help = new RegExp(`^# HELP (${NAME}) \\S`).exec(line)?.[1];
    const type = new RegExp(`^# TYPE (${NAME}) (counter|gauge|histogram)$`).exec(line);
    if (help) {
      assert.isFalse(types.has(help), `${help} comes once`);
      family = help;
    } else if (type) {
      assert.equal(type[1], family, "TYPE follows HELP");
      types.set(family, type[2] ?? "");
    } else {
      const [, sample = "", name = "", , value = ""] = SAMPLE.exec(line) ?? [];
      assert.isNotEmpty(sample, `not a sample: ${line}`);
      assert.isFalse(samples.has(sample), `${sample} comes once`);
      assert.equal(name.replace(types.get(family) === "histogram" ? /_(bucket|sum|count)$/ : /$^/, ""), family, line);
      samples.set(sample, Number(value.replace("Inf", "Infinity")));
    }
  }
  for (const [name, type] of types) {
    assert.equal(/_total$/.test(name), type === "counter", `${name} is a ${type}`);
    if (type === "histogram") checkHistogram(name, samples);
  }
  return {
    value(sample) {
      const value = samples.get(sample);
      return value ?? (sample.includes("{") ? 0 : assert.fail(`there is no ${sample}`)); // a series begins with its first count
    },
  };
}

function checkHistogram(name: string, samples: ReadonlyMap<string, number>): void {
  const buckets = [...samples].filter(([sample]) => sample.startsWith(`${name}_bucket{`));
  const bounds = buckets.map(([sample]) => Number(/le="([^"]+)"/.exec(sample)?.[1]?.replace("Inf", "Infinity")));
  assert.deepEqual(
    bounds,
    bounds.toSorted((a, b) => a - b),
  );
  assert.equal(bounds.at(-1), Number.POSITIVE_INFINITY);
  const counts = buckets.map(([, count]) => count);
  assert.deepEqual(
    counts,
    counts.toSorted((a, b) => a - b),
  );
  assert.equal(samples.get(`${name}_count`), counts.at(-1));
  assert.isTrue(samples.has(`${name}_sum`));
}
