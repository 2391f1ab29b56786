/** Fetching an archive over a connection that breaks, from servers that misbehave. */
import { createHash, randomBytes } from "node:crypto";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { download, type Remote } from "../../../src/node/datasets/download.js";
import { downloadFlowers } from "../../../src/node/datasets/flowers.js";

const content = randomBytes(300_000);
const md5 = createHash("md5").update(content).digest("hex");

let folder = "";
let server: Server | undefined;
let address = "";
/** Range header of each request that the server got. */
let ranges: (string | undefined)[] = [];

/** Answers with `handle`, which says what to do with the n-th request. */
async function serve(handle: (request: IncomingMessage, response: ServerResponse, n: number) => void): Promise<void> {
  ranges = [];
  server = createServer((request, response) => {
    ranges.push(request.headers.range);
    handle(request, response, ranges.length);
  });
  await new Promise<void>((resolve) => server!.listen(0, "127.0.0.1", resolve));
  address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** A file server as they usually are: honours ranges. */
function send(request: IncomingMessage, response: ServerResponse, body: Buffer, stopAfter = Infinity): void {
  const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? "")?.[1] ?? NaN);
  if (start >= body.length) {
    response.writeHead(416, { "content-range": `bytes */${body.length}` }).end();
    return;
  }
  const rest = Number.isNaN(start) ? body : body.subarray(start);
  const headers = {
    "content-length": rest.length,
    ...(Number.isNaN(start) ? {} : { "content-range": `bytes ${start}-${body.length - 1}/${body.length}` }),
  };
  response.writeHead(Number.isNaN(start) ? 200 : 206, headers);
  if (stopAfter < rest.length) {
    response.write(rest.subarray(0, stopAfter), () => response.destroy());
  } else {
    response.end(rest);
  }
}

const remote = (overrides: Partial<Remote> = {}): Remote => ({ file: "a.tgz", url: `${address}/a.tgz`, md5, ...overrides });
const path = (): string => join(folder, "a.tgz");
const quick = { retryDelay: 5, attempts: 3 };

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "petalgrad-download-"));
});
afterEach(async () => {
  server?.closeAllConnections();
  server?.close();
  server = undefined;
  await rm(folder, { recursive: true });
});

describe("download", () => {
  it("fetches a file, tells how far it is, and puts it in place whole", async () => {
    await serve((request, response) => send(request, response, content));
    const seen: [number, number | undefined][] = [];
    await download(remote(), path(), { onProgress: ({ done, total }) => seen.push([done, total]) });
    expect((await readFile(path())).equals(content)).toBe(true);
    expect(await readdir(folder)).toEqual(["a.tgz"]);
    expect(seen.at(-1)).toEqual([content.length, content.length]);
    expect(ranges).toEqual([undefined]);
  });

  it("goes on where the connection broke", async () => {
    await serve((request, response, n) => send(request, response, content, n <= 2 ? 100_000 : Infinity));
    await download(remote(), path(), quick);
    expect((await readFile(path())).equals(content)).toBe(true);
    expect(ranges).toHaveLength(3);
    const starts = ranges.map((range) => Number(/\d+/.exec(range ?? "0")![0]));
    expect(starts[1]).toBeGreaterThan(0);
    expect(starts[2]).toBeGreaterThan(starts[1]!);
  });

  it("asks for the rest where the server sends less than was asked for", async () => {
    await writeFile(`${path()}.part`, content.subarray(0, 1000));
    await serve((request, response) => {
      const start = Number(/\d+/.exec(request.headers.range!)![0]);
      const piece = content.subarray(start, start + 100_000);
      response.writeHead(206, { "content-range": `bytes ${start}-${start + piece.length - 1}/${content.length}` }).end(piece);
    });
    await download(remote(), path(), quick);
    expect((await readFile(path())).equals(content)).toBe(true);
    expect(ranges).toEqual(["bytes=1000-", "bytes=101000-", "bytes=201000-"]);
  });

  it("goes on where an earlier process stopped", async () => {
    await writeFile(`${path()}.part`, content.subarray(0, 123_456));
    await serve((request, response) => send(request, response, content));
    await download(remote(), path());
    expect(ranges).toEqual(["bytes=123456-"]);
    expect((await readFile(path())).equals(content)).toBe(true);
  });

  it("needs nothing more where everything had arrived", async () => {
    await writeFile(`${path()}.part`, content);
    await serve((request, response) => send(request, response, content));
    await download(remote(), path());
    expect(await readdir(folder)).toEqual(["a.tgz"]);
  });

  it("begins anew where the server does not resume, or has a shorter file", async () => {
    await writeFile(`${path()}.part`, "something begun");
    await serve((_request, response) => response.writeHead(200).end(content));
    await download(remote(), path());
    expect((await readFile(path())).equals(content)).toBe(true);
    server!.close();
    await writeFile(`${path()}.part`, Buffer.concat([content, content]));
    await serve((request, response) => send(request, response, content));
    await download(remote(), path(), quick);
    expect((await readFile(path())).equals(content)).toBe(true);
    expect(ranges).toEqual([`bytes=${2 * content.length}-`, undefined]);
  });

  it("refuses a file of another checksum and deletes it", async () => {
    await serve((request, response) => send(request, response, Buffer.from("something else")));
    await expect(download(remote(), path())).rejects.toThrow(/has MD5 \w{32} instead of/);
    expect(await readdir(folder)).toEqual([]);
  });

  it("refuses what is no gzip archive where no checksum is known", async () => {
    await serve((request, response) => send(request, response, Buffer.from("something else")));
    await expect(download(remote({ md5: undefined }), path())).rejects.toThrow(/is no gzip archive/);
    expect(await readdir(folder)).toEqual([]);
  });

  it("takes no for an answer at once, but tries again when the server is in trouble", async () => {
    await serve((_request, response) => response.writeHead(403).end("no"));
    await expect(download(remote(), path(), quick)).rejects.toThrow(/answers 403/);
    expect(ranges).toHaveLength(1);
    server!.close();
    await serve((request, response, n) => (n === 1 ? void response.writeHead(503).end() : send(request, response, content)));
    await download(remote(), path(), quick);
    expect(ranges).toHaveLength(2);
  });

  it("does not take a web page for the file", async () => {
    await serve((_request, response) =>
      response.writeHead(200, { "content-type": "text/html; charset=utf-8" }).end("<html>quota exceeded</html>"),
    );
    await expect(download(remote({ md5: undefined }), path(), quick)).rejects.toThrow(/sends a web page instead of a.tgz/);
    expect(ranges).toHaveLength(1);
  });

  it("gives up on a server that stays silent or unreachable", async () => {
    await serve(() => undefined);
    await expect(download(remote(), path(), { ...quick, attempts: 2, stallTimeout: 40 })).rejects.toThrow(
      /a.tgz cannot be fetched from .*\(no answer\)/,
    );
    expect(ranges).toHaveLength(2);
    server!.closeAllConnections();
    await new Promise((resolve) => server!.close(resolve));
    await expect(download(remote(), path(), quick)).rejects.toThrow(/cannot be fetched .*ECONNREFUSED/);
  });

  it("stops when asked to, keeps what has arrived, and goes on later", async () => {
    await serve((request, response, n) => {
      if (n === 1) {
        response.writeHead(200, { "content-length": content.length });
        response.write(content.subarray(0, 50_000));
      } else {
        send(request, response, content);
      }
    });
    const stop = new AbortController();
    const stopped = download(remote(), path(), { signal: stop.signal, onProgress: () => stop.abort(new Error("enough")) });
    await expect(stopped).rejects.toThrow("enough");
    expect(await readdir(folder)).toEqual(["a.tgz.part"]);
    await download(remote(), path());
    expect(ranges[1]).toMatch(/^bytes=[1-9]\d*-$/);
    expect((await readFile(path())).equals(content)).toBe(true);
  });
});

describe("downloadFlowers", () => {
  const captions = gzipSync("captions");
  const remotes = () => ({
    images: { file: "102flowers.tgz", url: `${address}/images`, md5 },
    captions: { file: "cvpr2016_flowers.tar.gz", url: `${address}/captions` },
  });

  it("fetches captions and images, or only what is missing", async () => {
    const asked: string[] = [];
    await serve((request, response) => {
      asked.push(request.url!);
      send(request, response, request.url === "/captions" ? captions : content);
    });
    const dataDir = join(folder, "data", "flowers");
    await downloadFlowers(dataDir, {}, remotes());
    expect(await readdir(dataDir)).toEqual(["102flowers.tgz", "cvpr2016_flowers.tar.gz"]);
    await rm(join(dataDir, "102flowers.tgz"));
    await downloadFlowers(dataDir, {}, remotes());
    expect(asked).toEqual(["/captions", "/images", "/images"]);
  });

  it("says what to fetch by hand when the captions are refused, before it fetches 330 MB", async () => {
    const asked: string[] = [];
    await serve((request, response) => {
      asked.push(request.url!);
      response.writeHead(200, { "content-type": "text/html" }).end("<html>sign in</html>");
    });
    const failed = downloadFlowers(folder, {}, remotes());
    await expect(failed).rejects.toThrow(/web page instead of cvpr2016_flowers.tar.gz/);
    await expect(failed).rejects.toThrow(
      new RegExp(`put into ${folder}[^]*cvpr2016_flowers.tar.gz[^]*drive.google.com[^]*--dataset petals`),
    );
    expect(asked).toEqual(["/captions"]);
  });

  it("knows that other captions are not to be had", async () => {
    await expect(downloadFlowers(folder, { captions: "fa" })).rejects.toThrow(/captions "fa" cannot be fetched/);
  });
});
