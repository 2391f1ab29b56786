/** Answers: JSON, files, one line that says why there is none. */
import { open } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { extname } from "node:path";
import { pipeline } from "node:stream/promises";
import { promisify } from "node:util";
import { createGzip, gzip } from "node:zlib";

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".json": "application/json; charset=utf-8",
  ".jsonl": "application/x-ndjson; charset=utf-8",
  ".txt": "text/plain; charset=utf-8",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".webp": "image/webp",
  ".wasm": "application/wasm",
  ".webmanifest": "application/manifest+json",
};

/** What shrinks when it is packed. */
const PACKS = new Set([".html", ".js", ".css", ".json", ".jsonl", ".txt", ".svg", ".wasm", ".webmanifest"]);
/** Smaller answers are sent as they are. */
const WORTH = 1400;

const accepts = ({ headers }: IncomingMessage): boolean =>
  /\bgzip\b(?!\s*;\s*q=0(?:\.0*)?(?:,|$))/.test(String(headers["accept-encoding"] ?? ""));

/** One line. */
export function sendLine(request: IncomingMessage, response: ServerResponse, status: number, line: string): void {
  const body = `${line}\n`;
  response.writeHead(status, {
    "content-type": "text/plain; charset=utf-8",
    "content-length": Buffer.byteLength(body),
    "cache-control": "no-store",
  });
  response.end(request.method === "HEAD" ? undefined : body);
}

export const sendJson = (request: IncomingMessage, response: ServerResponse, value: unknown): Promise<void> =>
  sendText(request, response, ".json", JSON.stringify(value));

/** @param extension Says what it is. */
export async function sendText(request: IncomingMessage, response: ServerResponse, extension: string, text: string): Promise<void> {
  const plain = Buffer.from(text);
  const packed = plain.length > WORTH && accepts(request);
  const body = packed ? await promisify(gzip)(plain) : plain;
  response.writeHead(200, {
    "content-type": TYPES[extension],
    "content-length": body.length,
    "cache-control": "no-store",
    vary: "accept-encoding",
    ...(packed && { "content-encoding": "gzip" }),
  });
  response.end(request.method === "HEAD" ? undefined : body);
}

/**
 * A file as it is when it is opened: what is written to it meanwhile is not sent, and what replaces it neither.
 * @param headers More of them.
 */
export async function sendFile(
  request: IncomingMessage,
  response: ServerResponse,
  path: string,
  headers: Readonly<Record<string, string>>,
): Promise<void> {
  const file = await open(path, "r");
  try {
    const { size, mtimeMs, ino } = await file.stat();
    const extension = extname(path).toLowerCase();
    const packed = size > WORTH && PACKS.has(extension) && accepts(request);
    const tag = `W/"${ino.toString(36)}-${size.toString(36)}-${Math.round(mtimeMs).toString(36)}"`;
    const about = { "cache-control": "no-cache", ...headers, etag: tag, vary: "accept-encoding" };
    if (request.headers["if-none-match"]?.includes(tag)) {
      response.writeHead(304, about).end();
      return;
    }
    response.writeHead(200, {
      ...about,
      "content-type": TYPES[extension] ?? "application/octet-stream",
      ...(packed ? { "content-encoding": "gzip" } : { "content-length": size }),
    });
    if (request.method === "HEAD" || size === 0) {
      response.end();
      return;
    }
    const bytes = file.createReadStream({ start: 0, end: size - 1, autoClose: false });
    await (packed ? pipeline(bytes, createGzip(), response) : pipeline(bytes, response));
  } finally {
    await file.close();
  }
}
