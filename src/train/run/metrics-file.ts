/** The lines of metrics.jsonl. */

/** What is trained. */
export type Stage = "text encoder" | "validation" | "GAN" | "style encoder";

/** A line of metrics.jsonl. A number that is not finite is written as null, JSON having no other word. */
export interface MetricsRecord {
  readonly stage: Stage;
  readonly step: number;
  readonly [name: string]: number | string | null;
}

export const metricsLine = (record: MetricsRecord): string => `${JSON.stringify(record)}\n`;

/**
 * All records that can be read, and the numbers, from 1, of the lines that cannot: a full disk or a machine that loses power damages some.
 * A last line without an end was cut off by a kill, and is neither.
 */
export function parseMetrics(text: string): { records: MetricsRecord[]; damaged: number[] } {
  const damaged: number[] = [];
  const lines = text.split("\n").slice(0, -1);
  const records = lines.flatMap((line, i) => {
    const record = recordOf(line);
    if (!record) damaged.push(i + 1);
    return record ? [record] : [];
  });
  return { records, damaged };
}

/** Undefined for what is no sound line. */
function recordOf(line: string): MetricsRecord | undefined {
  try {
    const record = JSON.parse(line) as Partial<MetricsRecord> | null;
    return typeof record?.stage === "string" && Number.isSafeInteger(record.step) ? (record as MetricsRecord) : undefined;
  } catch {
    return undefined;
  }
}
