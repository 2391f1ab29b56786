/** A run's files in and out of the browser: a folder that was chosen, or a zip archive. */
import { type Unzipped, unzip, Zip, ZipDeflate, ZipPassThrough } from "fflate";
import { UserError } from "../../src/errors.js";

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
  const bytes = new Uint8Array(await archive.arrayBuffer());
  let whole = 0;
  const files = await new Promise<Unzipped>((resolve, reject) => {
    const filter = ({ name, originalSize }: { readonly name: string; readonly originalSize: number }) => {
      if (name.endsWith("/")) return false;
      whole += originalSize;
      if (whole > LARGEST) throw new UserError(`${archive.name} unpacks to more than 2 GB: choose the run's folder instead`);
      return true;
    };
    try {
      unzip(bytes, { filter }, (error, data) => (error ? reject(damaged(archive, error)) : resolve(data)));
    } catch (error) {
      reject(error instanceof UserError ? error : damaged(archive, error as Error));
    }
  });
  return runAmong(
    Object.entries(files).map(([path, data]) => [path, () => Promise.resolve(data)]),
    archive.name,
    archive.name.replace(/\.zip$/i, ""),
  );
}

const damaged = ({ name }: File, { message }: Error): UserError => new UserError(`${name} is no sound zip archive (${message})`);

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

/** A zip archive with the files in one folder. Weights hardly shrink: they are stored as they are. */
export async function zipped(names: readonly string[], read: (name: string) => Promise<Uint8Array>, folder: string): Promise<Blob> {
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  let failure: Error | undefined;
  const zip = new Zip((error, chunk) => {
    if (error) failure = error;
    else chunks.push(chunk as Uint8Array<ArrayBuffer>);
  });
  for (const name of names) {
    const path = `${folder}/${name}`;
    const entry = /\.(?:safetensors|png)$/.test(name) ? new ZipPassThrough(path) : new ZipDeflate(path, { level: 6 });
    zip.add(entry);
    entry.push(await read(name), true);
  }
  zip.end();
  if (failure) throw failure;
  return new Blob(chunks, { type: "application/zip" });
}
