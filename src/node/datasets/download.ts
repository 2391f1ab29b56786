/** Fetching an archive: with progress, resumed where an earlier attempt stopped, checked, and in its place only when whole. */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { type FileHandle, open, rename, rm, stat } from "node:fs/promises";
import { basename } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { DataError } from "../../data/dataset.js";
import type { DataProgress } from "./options.js";

/** An archive at a public address. */
export interface Remote {
  /** The name it gets. */
  readonly file: string;
  readonly url: string;
  /** MD5 as its publisher gives it. Where there is none, only the gzip signature is checked, and an interrupted download begins anew. */
  readonly md5?: string;
}

export interface DownloadOptions {
  readonly onProgress?: (progress: DataProgress) => void;
  readonly signal?: AbortSignal;
  /** Attempts in a row that bring nothing before giving up (default 4). */
  readonly attempts?: number;
  /** Milliseconds without a byte after which a connection counts as lost (default 30,000). */
  readonly stallTimeout?: number;
  /** Milliseconds before the first new attempt; doubled each time (default 1,000). */
  readonly retryDelay?: number;
}

/** The server answered, and further attempts would get the same answer. */
class Refused extends DataError {}

/**
 * Fetches a remote to a path. What has arrived is kept in `<path>.part`, where the next call goes on.
 * @throws DataError where the server refuses or stays unreachable, or the file is not the one it should be; the signal's reason where stopped.
 */
export async function download(remote: Remote, path: string, options: DownloadOptions = {}): Promise<void> {
  const { attempts = 4, retryDelay = 1000, signal } = options;
  const part = `${path}.part`;
  if (remote.md5 === undefined) {
    await rm(part, { force: true });
  }
  for (let failures = 0; ;) {
    const before = await sizeOf(part);
    try {
      await fetchRest(remote, part, before, options);
      break;
    } catch (error) {
      signal?.throwIfAborted();
      if (error instanceof DataError) {
        throw error;
      }
      failures = (await sizeOf(part)) > before ? 1 : failures + 1;
      if (failures >= attempts) {
        throw new DataError(`${remote.file} cannot be fetched from ${remote.url} (${reason(error)})`, { cause: error });
      }
      await sleep(retryDelay * 2 ** (failures - 1), undefined, { signal });
    }
  }
  await verify(remote, part);
  await rename(part, path);
}

/** Fetches from byte `from` on and appends; a server that does not resume sends everything, and then everything is written. */
async function fetchRest(
  remote: Remote,
  part: string,
  from: number,
  { onProgress, signal, stallTimeout = 30_000 }: DownloadOptions,
): Promise<void> {
  const stall = new AbortController();
  const signals = signal ? [stall.signal, signal] : [stall.signal];
  let timer = setTimeout(() => stall.abort(new Error("no answer")), stallTimeout);
  let handle: FileHandle | undefined;
  try {
    const headers: Record<string, string> = from > 0 ? { range: `bytes=${from}-` } : {};
    // A content encoding would make lengths and ranges mean something else.
    headers["accept-encoding"] = "identity";
    const response = await fetch(remote.url, { headers, signal: AbortSignal.any(signals) });
    if (response.status === 416 && contentRange(response)?.total === from) {
      await response.body?.cancel();
      return;
    }
    if (response.status === 416) {
      await response.body?.cancel();
      await rm(part, { force: true });
      throw new Error("the server has another file than the one begun; it is fetched anew");
    }
    if (!response.ok) {
      await response.body?.cancel();
      const message = `${remote.url} answers ${response.status} ${response.statusText}`.trim();
      throw response.status >= 500 || response.status === 429 ? new Error(message) : new Refused(message);
    }
    if (response.headers.get("content-type")?.startsWith("text/html")) {
      await response.body?.cancel();
      throw new Refused(`${remote.url} sends a web page instead of ${remote.file}`);
    }
    const range = response.status === 206 ? contentRange(response) : undefined;
    const resumed = range?.start === from && from > 0;
    const length = Number(response.headers.get("content-length") ?? NaN);
    const total = range?.total ?? (Number.isFinite(length) ? length : undefined);
    let done = resumed ? from : 0;
    handle = await open(part, resumed ? "a" : "w");
    for await (const piece of response.body ?? []) {
      clearTimeout(timer);
      timer = setTimeout(() => stall.abort(new Error("no more data")), stallTimeout);
      await handle.writeFile(piece as Uint8Array);
      done += (piece as Uint8Array).length;
      onProgress?.({ phase: "download", what: remote.file, done, ...(total !== undefined && { total }) });
    }
    if (total !== undefined && done < total) {
      throw new Error(`the connection closed after ${done} of ${total} bytes`);
    }
    await handle.sync();
  } finally {
    clearTimeout(timer);
    await handle?.close();
  }
}

async function verify(remote: Remote, part: string): Promise<void> {
  const hash = createHash("md5");
  let head: Buffer | undefined;
  for await (const piece of createReadStream(part)) {
    head ??= piece as Buffer;
    hash.update(piece as Buffer);
  }
  const md5 = hash.digest("hex");
  const sound = remote.md5 === undefined ? head?.[0] === 0x1f && head[1] === 0x8b : md5 === remote.md5;
  if (!sound) {
    await rm(part, { force: true });
    const what = remote.md5 === undefined ? "is no gzip archive" : `has MD5 ${md5} instead of ${remote.md5}`;
    throw new DataError(`what ${remote.url} sent as ${basename(remote.file)} ${what}; it was deleted`);
  }
}

function contentRange(response: Response): { start: number | undefined; total: number | undefined } | undefined {
  const match = /^bytes (?:(\d+)-\d+|\*)\/(\d+|\*)$/.exec(response.headers.get("content-range") ?? "");
  const number = (text: string | undefined): number | undefined => (text === undefined || text === "*" ? undefined : Number(text));
  return match ? { start: number(match[1]), total: number(match[2]) } : undefined;
}

async function sizeOf(path: string): Promise<number> {
  return stat(path).then(
    ({ size }) => size,
    () => 0,
  );
}

/** fetch hides the reason of a failed connection in the cause. */
function reason(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return cause instanceof Error ? cause.message || cause.name : String(cause);
}
