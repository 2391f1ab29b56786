/** Decisions of a tuner as JSON text, by adapter and problem; and where such a text is kept, which is the caller's affair. */

import { reasonOf, UserError } from "../errors.js";

/** A place for one text: a file, a browser's storage. */
export interface TuningStore {
  /** For messages: the file's path. */
  readonly name: string;
  /** What was last written; undefined where nothing was. */
  read(): Promise<string | undefined>;
  write(text: string): Promise<void>;
}

export interface Decision {
  /** Of the texts of all candidates: another one means that kernels changed, and the decision says nothing about those. */
  readonly checksum: string;
  /** The candidate's name. */
  readonly choice: string;
}

/** Decisions by problem. */
export type Decisions = ReadonlyMap<string, Decision>;

const FORMAT = 1;

/**
 * The decisions of each adapter.
 * @throws UserError saying what is wrong with the text.
 */
export function parseTuning(text: string): Map<string, Map<string, Decision>> {
  let root: unknown;
  try {
    root = JSON.parse(text);
  } catch (error) {
    throw new UserError(reasonOf(error));
  }
  if (!isRecord(root) || root["format"] !== FORMAT) throw new UserError(`it is not of format ${FORMAT}`);
  return new Map(records(root["adapters"], "adapters").map(([adapter, problems]) => [adapter, parseDecisions(problems, adapter)]));
}

function parseDecisions(problems: unknown, adapter: string): Map<string, Decision> {
  return new Map(
    records(problems, adapter).map(([problem, decision]) => {
      if (!isRecord(decision)) throw new UserError(`${shown(problem)} has no decision`);
      const { checksum, choice } = decision;
      if (typeof checksum !== "string" || typeof choice !== "string") throw new UserError(`${shown(problem)} has no decision`);
      return [problem, { checksum, choice }];
    }),
  );
}

export function formatTuning(adapters: ReadonlyMap<string, Decisions>): string {
  const byName = <T>(map: ReadonlyMap<string, T>) => [...map].sort(([a], [b]) => (a < b ? -1 : 1));
  const entries = byName(adapters).map(([adapter, decisions]) => [adapter, Object.fromEntries(byName(decisions))]);
  return `${JSON.stringify({ format: FORMAT, adapters: Object.fromEntries(entries) as unknown }, null, 2)}\n`;
}

function records(value: unknown, where: string): [string, unknown][] {
  if (!isRecord(value)) throw new UserError(`${shown(where)} is no object`);
  return Object.entries(value);
}

const shown = (name: string): string => JSON.stringify(name.slice(0, 100));

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null && !Array.isArray(value);
