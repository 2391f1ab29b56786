/**
 * The studio's local server: the page's static files, and under `api/` what its room Runs shows.
 *
 *     GET api/                           that there is a server, and which folder's runs it shows
 *     GET api/runs                       every run
 *     GET api/runs/NAME/metrics          ?after=BYTES&id=ID, a part of metrics.jsonl
 *     GET api/runs/NAME/files/FILE       a file of the run
 *     GET api/events                     what changes, as server-sent events
 *
 * It reads only, and serves nothing but the page and certain files of runs. Pages of other origins learn nothing: no answer allows them to
 * read it, and a loopback server refuses requests that were sent to another name (DNS rebinding).
 */
import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { join } from "node:path";
import { UserError } from "../../errors.js";
import { RunEvents } from "./events.js";
import { RunsFolder } from "./runs-folder.js";
import { fileInside, notFound, partsOf, Refusal } from "./safe-path.js";
import { sendFile, sendJson, sendLine, sendText } from "./send.js";

export interface StudioOptions {
  /** The built page's folder. */
  readonly page: string;
  /** The folder whose runs are shown; it need not be there yet. */
  readonly runs: string;
  /** Without one, the usual port or, where that is taken, a free one. */
  readonly port?: number | undefined;
  readonly host?: string | undefined;
}

export interface Studio {
  readonly port: number;
  /** True where another process has the usual port. */
  readonly moved: boolean;
  /** Ends at once, whatever is under way. */
  close(): Promise<void>;
}

export const USUAL_PORT = 4321;
export const LOOPBACK = "127.0.0.1";
/** Pages that may listen at one time. */
const LISTENERS = 32;

/** A run's files may be of strangers: nothing in them runs, should somebody open one by its address. */
const INERT = { "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox" };

/** Whether only this machine reaches it. */
export const isLoopback = (host: string): boolean => /^(localhost|::1|\[::1\]|127(\.\d{1,3}){3})$/i.test(host);

/** Begins to serve. @throws UserError for a port that is taken, a host that is none of this machine's */
export async function startStudio({ page, runs: path, port, host = LOOPBACK }: StudioOptions): Promise<Studio> {
  const runs = new RunsFolder(path);
  const events = new RunEvents(runs);
  const answer = answerer({ page, shown: path, runs, events, loopback: isLoopback(host) });
  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => {
      if (response.headersSent) return response.destroy();
      if (error instanceof Refusal) return sendLine(request, response, error.status, error.message);
      sendLine(request, response, 500, "the studio could not read that");
    });
  });
  server.on("clientError", (_, socket: Socket) => {
    if (socket.writable) socket.end("HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n");
  });
  const moved = await listenSomewhere(server, port, host.replace(/^\[|\]$/g, ""));
  return {
    port: (server.address() as AddressInfo).port,
    moved,
    close: () =>
      new Promise((resolve) => {
        events.close();
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** @returns true where the usual port was taken and another one found */
async function listenSomewhere(server: Server, port: number | undefined, host: string): Promise<boolean> {
  try {
    await listen(server, port ?? USUAL_PORT, host);
    return false;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // Windows forbids some ports that nobody listens at.
    if (port === undefined && (code === "EADDRINUSE" || code === "EACCES")) {
      await listen(server, 0, host);
      return true;
    }
    if (code === "EADDRINUSE") throw new UserError(`port ${port} is taken: give another one, or none for a free one`);
    if (code === "EACCES") throw new UserError(`port ${port} may not be used by this user: give one from 1024 on`);
    if (code === "EADDRNOTAVAIL" || code === "ENOTFOUND" || code === "EAI_AGAIN")
      throw new UserError(`--host ${host} is no address of this machine; 0.0.0.0 is all of them`);
    throw error;
  }
}

function listen(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ port, host, exclusive: true }, () => {
      server.off("error", reject);
      resolve();
    });
  });
}

interface Served {
  readonly page: string;
  /** The runs' folder as it was typed. */
  readonly shown: string;
  readonly runs: RunsFolder;
  readonly events: RunEvents;
  /** Whether only this machine is to reach it. */
  readonly loopback: boolean;
}

/** What answers a request. */
function answerer(served: Served) {
  const { page, loopback } = served;
  const policy = pagePolicy(page);
  return async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    response.setHeader("content-security-policy", policy);
    response.setHeader("x-content-type-options", "nosniff");
    response.setHeader("referrer-policy", "no-referrer");
    response.setHeader("cross-origin-resource-policy", "same-origin");
    response.setHeader("cross-origin-opener-policy", "same-origin");
    if (loopback && !isLoopback(nameOf(request.headers.host)))
      throw new Refusal(403, "this studio answers at 127.0.0.1 and localhost only; start it with --host to serve other names");
    if (request.method !== "GET" && request.method !== "HEAD") {
      response.setHeader("allow", "GET, HEAD");
      throw new Refusal(405, "the studio's server only reads");
    }
    const { parts, query } = partsOf(request.url ?? "");
    if (parts[0] !== "api") return servePage(served, parts, request, response);
    // A page of another origin could not read the answer, yet need not be able to ask.
    const site = request.headers["sec-fetch-site"];
    if (site !== undefined && site !== "same-origin" && site !== "none") throw new Refusal(403, "only the studio's own page may ask that");
    return serveApi(served, parts.slice(1), query, request, response);
  };
}

/** The page's own policy, and that no other page frames it, which a page cannot say of itself. */
function pagePolicy(page: string): string {
  const html = readFileSync(join(page, "index.html"), "utf8");
  const own = /http-equiv="Content-Security-Policy"\s+content="([^"]+)"/.exec(html)?.[1] ?? "default-src 'self'";
  return `${own}; frame-ancestors 'none'`;
}

/** "[::1]:80" without its port. */
const nameOf = (host = ""): string => host.replace(/:\d*$/, "");

async function servePage({ page }: Served, parts: readonly string[], request: IncomingMessage, response: ServerResponse): Promise<void> {
  const names = parts.at(-1) === "" ? [...parts.slice(0, -1), "index.html"] : parts;
  const file = await fileInside(page, names);
  if (file === undefined) throw notFound();
  // The page learns here that there is more than files, and a static host is asked for nothing that it has not.
  if (names.join("/") === "index.html") {
    const html = await readFile(file, "utf8");
    return sendText(request, response, ".html", html.replace("</title>", '</title>\n    <meta name="petalgrad-server" content="api/" />'));
  }
  // Vite names these by what is in them.
  const keep = names[0] === "assets" ? "public, max-age=31536000, immutable" : "no-cache";
  return sendFile(request, response, file, { "cache-control": keep });
}

async function serveApi(
  { shown, runs, events }: Served,
  [what = "", name, part, ...rest]: readonly string[],
  query: URLSearchParams,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (what === "" && name === undefined) return sendJson(request, response, { studio: 1, runs: shown });
  if (what === "events" && name === undefined) {
    if (events.listeners >= LISTENERS) throw new Refusal(503, "too many pages listen already");
    if (request.method === "HEAD") return void response.writeHead(200, { "content-type": "text/event-stream" }).end();
    return events.add(response);
  }
  if (what !== "runs") throw notFound();
  if (name === undefined) return sendJson(request, response, await runs.list());
  if (part === "metrics" && rest.length === 0) {
    const after = Number(query.get("after") ?? 0);
    if (!Number.isSafeInteger(after) || after < 0) throw new Refusal(400, "after must be a number of bytes");
    const found = await runs.metrics(name, after, query.get("id"));
    if (!found) throw notFound();
    return sendJson(request, response, found);
  }
  const file = part === "files" ? await runs.file(name, rest.join("/")) : undefined;
  if (file === undefined) throw notFound();
  return sendFile(request, response, file, INERT);
}
