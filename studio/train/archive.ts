/** A run's files in and out of the browser: a folder that was chosen, or a zip archive. */
import { zipEntries } from "../../src/data/files/zip.js";
import { UserError } from "../../src/errors.js";
import { storedZip } from "../../src/formats/stored-zip.js";
import { randomAccess, unpackDeflated } from "../parts/unpack.js";

/** A file that was chosen, and its path in the folder that was. */
export interface GivenFile {
  readonly path: string;
  readonly file: File;
}

/** A run's files by their names in it, to be read one at a time. */
export interface GivenRun {
  /** What its folder is called. */
  readonly name: string;
  readonly parts: readonly (readonly [path: string, read: () => Promise<Uint8Array>])[];
}

/** More than the runs of preset paper have. */
const LARGEST = 2 ** 31;

/** Files of a run that are taken in; whatever else lies beside them stays where it is. */
const OF_A_RUN =
  /^(?:config\.json|studio\.json|metrics\.jsonl|tuning\.json|curves\.svg|model\.safetensors|text-encoder(?:\.part)?\.safetensors|samples\/step-\d+\.(?:png|txt)|checkpoint\/step-\d+\.safetensors)$/;

/** @throws UserError where no run is among them */
export function filesOfFolder(files: readonly GivenFile[]): GivenRun {
  return runAmong(
    files.map(({ path, file }) => [path, async () => new Uint8Array(await file.arrayBuffer())]),
    "this folder",
    "run",
  );
}

/** @throws UserError where the archive is damaged or holds no run */
export async function filesOfArchive(archive: File): Promise<GivenRun> {
  const parts: (readonly [string, () => Promise<Uint8Array>])[] = [];
  let whole = 0;
  const unsound = (error: unknown): never => {
    throw error instanceof UserError ? error : new UserError(`${archive.name} is no sound zip archive (${(error as Error).message})`);
  };
  try {
    for await (const { path, kind, size, read } of zipEntries(randomAccess(archive), unpackDeflated)) {
      if (kind !== "file") continue;
      whole += size;
      if (whole > LARGEST) throw new UserError(`${archive.name} unpacks to more than 2 GB: choose the run's folder instead`);
      parts.push([path, () => read().catch(unsound)]);
    }
  } catch (error) {
    unsound(error);
  }
  return runAmong(parts, archive.name, archive.name.replace(/\.zip$/i, ""));
}

/** The run whose config.json lies highest. */
function runAmong(parts: GivenRun["parts"], where: string, unnamed: string): GivenRun {
  const configs = parts.map(([path]) => path).filter((path) => /(?:^|\/)config\.json$/.test(path));
  const config = configs.sort((a, b) => a.split("/").length - b.split("/").length)[0];
  if (config === undefined) throw new UserError(`there is no run in ${where}: no config.json`);
  const folder = config.slice(0, -"config.json".length);
  return {
    name: folder.split("/").at(-2) ?? unnamed,
    parts: parts.flatMap((part) => {
      const path = part[0].startsWith(folder) ? part[0].slice(folder.length) : "";
      return OF_A_RUN.test(path) ? [[path, part[1]] as const] : [];
    }),
  };
}

/** A zip archive with the files in one folder. */
export async function zipped(names: readonly string[], read: (name: string) => Promise<Uint8Array>, folder: string): Promise<Blob> {
  const files: [string, Uint8Array][] = [];
  for (const name of names) files.push([`${folder}/${name}`, await read(name)]);
  return new Blob(storedZip(files) as Uint8Array<ArrayBuffer>[], { type: "application/zip" });
}
