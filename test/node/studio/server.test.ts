/** The studio's local server, by real requests: what it serves, what it never serves, how runs come and change, and its command. */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { appendFileSync, cpSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer, request } from "node:http";
import { connect } from "node:net";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { FolderStore } from "../../../src/node/files/folder-store.js";
import { lock } from "../../../src/node/files/run-folder.js";
import { startStudio, type Studio } from "../../../src/node/studio/server.js";
import type { ListedRun, MetricsPart } from "../../../src/train/run/summary.js";

const root = mkdtempSync(join(tmpdir(), "petalgrad-studio-"));
const page = join(root, "page");
const runs = join(root, "runs");
const SECRET = "nobody may read this";
const POLICY = "default-src 'none'; script-src 'self'";
/** Above the numbers that Linux gives to processes, so none has it. */
const NO_PROCESS = 2 ** 22 + 1;

function write(path: string, text: string): void {
  mkdirSync(join(path, ".."), { recursive: true });
  writeFileSync(path, text);
}

const line = (step: number, more: object = {}) => `${JSON.stringify({ stage: "GAN", step, lossD: 1, lossG: step / 2, ...more })}\n`;

/** A run of so many steps, of which a number is done. */
function makeRun(name: string, { steps = 20, done = 0, checkpoint = 0, options = {}, config = {} } = {}): string {
  const folder = join(runs, name);
  write(join(folder, "config.json"), JSON.stringify({ about: { adapter: "none" }, options: { steps, ...options }, ...config }));
  write(join(folder, "metrics.jsonl"), Array.from({ length: done }, (_, i) => line(i + 1)).join(""));
  if (checkpoint > 0) write(join(folder, "checkpoint", `step-${String(checkpoint).padStart(6, "0")}.safetensors`), "weights");
  return folder;
}

let studio: Studio;
let url: string;

beforeAll(async () => {
  write(join(root, "secret.txt"), SECRET);
  write(join(root, "page-of-another", "index.html"), SECRET);
  write(join(page, "index.html"), `<meta http-equiv="Content-Security-Policy" content="${POLICY}" /><title>the page</title>`);
  write(join(page, "assets", "index-abc.js"), `/* ${"a page. ".repeat(400)} */`);
  write(join(page, "models", "petals.safetensors"), "a model");
  symlinkSync(join(root, "secret.txt"), join(page, "linked.txt"));
  symlinkSync(root, join(page, "linked"));
  cpSync("test/fixtures/earlier/run", join(runs, "petals-1"), { recursive: true });
  studio = await startStudio({ page, runs, port: await freePort() });
  url = `http://127.0.0.1:${studio.port}/`;
});

afterAll(async () => {
  await studio.close();
  rmSync(root, { recursive: true, force: true });
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, "close");
  return port;
}

/** What is answered to bytes on the wire: fetch would mend the path before it is sent. */
function raw(text: string, port = studio.port): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = "";
    const socket = connect(port, "127.0.0.1", () => socket.write(text));
    socket.setEncoding("utf8").on("data", (part: string) => (answer += part));
    socket.on("end", () => resolve(answer)).on("error", reject);
  });
}
const rawGet = (path: string, host = "localhost") => raw(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);

const json = async <T>(path: string): Promise<T> => (await (await fetch(url + path)).json()) as T;
const runNamed = async (name: string) => (await json<ListedRun[]>("api/runs")).find((run) => run.name === name);

describe("the page", () => {
  it("is served with its types, its policy and no leave for other origins", async () => {
    const answer = await fetch(url);
    expect(answer.status).toBe(200);
    // What tells the page that there is a server.
    expect(await answer.text()).toMatch(/the page<\/title>\s*<meta name="petalgrad-server" content="api\/" \/>/);
    expect(await (await fetch(`${url}index.html`)).text()).toContain("petalgrad-server");
    expect(answer.headers.get("content-type")).toBe("text/html; charset=utf-8");
    expect(answer.headers.get("content-security-policy")).toBe(`${POLICY}; frame-ancestors 'none'`);
    expect(answer.headers.get("x-content-type-options")).toBe("nosniff");
    expect(answer.headers.get("referrer-policy")).toBe("no-referrer");
    expect(answer.headers.get("access-control-allow-origin")).toBeNull();
    expect((await fetch(`${url}assets/index-abc.js`)).headers.get("content-type")).toBe("text/javascript; charset=utf-8");
    expect((await fetch(`${url}models/petals.safetensors`)).headers.get("content-type")).toBe("application/octet-stream");
    expect((await fetch(`${url}nothing.js`)).status).toBe(404);
    expect((await fetch(`${url}models`)).status).toBe(404);
  });

  it("answers HEAD without a body, packs text, and is not sent twice", async () => {
    const path = "assets/index-abc.js";
    const plain = readFileSync(join(page, path));
    const head = await rawHead(`/${path}`);
    expect(head).toMatch(/^HTTP\/1.1 200 /);
    expect(head.toLowerCase()).toContain(`content-length: ${plain.length}\r\n`);
    expect(head.endsWith("\r\n\r\n")).toBe(true);
    const packed = await fetch(url + path);
    expect(packed.headers.get("content-encoding")).toBe("gzip");
    expect(Buffer.from(await packed.arrayBuffer())).toEqual(plain);
    const again = await fetch(url + path, { headers: { "if-none-match": packed.headers.get("etag")! } });
    expect(again.status).toBe(304);
    expect((await fetch(url, { method: "POST" })).status).toBe(405);
  });

  const rawHead = (path: string) => raw(`HEAD ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`);
});

describe("what is never served", () => {
  const outside = ["secret.txt", "page-of-another/index.html"];
  const ups = ["..", "%2e%2e", ".%2e", "%2E%2E", "..%2f..", "..%5c..", "%252e%252e", "....//.."];
  const paths = [
    ...outside.flatMap((name) => ups.flatMap((up) => [`/${up}/${name}`, `/${up}/${up}/${name}`, `/assets/${up}/${up}/${name}`])),
    "/..%2fsecret.txt",
    "/..%2Fsecret.txt",
    "/..\\secret.txt",
    "/..%5csecret.txt",
    "/assets/..%2f..%2fsecret.txt",
    "/assets%2f..%2f..%2fsecret.txt",
    "/linked.txt",
    "/linked/secret.txt",
    "/secret.txt%00.html",
    "/..%00/secret.txt",
    `/${encodeURIComponent(join(root, "secret.txt"))}`,
    `/${join(root, "secret.txt")}`,
    `//${join(root, "secret.txt")}`,
    "/%c0%ae%c0%ae/secret.txt",
    "/../page-of-another/",
    // Inside the folders, yet not by a plain way.
    "/assets/../index.html",
    "/assets%2f..%2findex.html",
    "/assets/index-abc.js%00",
    "/assets\\\\index-abc.js",
    "/api/runs/petals-1%2f..%2fpetals-1/metrics",
    "/api/runs/petals-1%2f%2e/files/config.json",
    ...["..", "%2e%2e", "..%2f..", "petals-1%2f..%2f..", "petals-1%2f..", "%2e", ""].flatMap((name) => [
      `/api/runs/${name}/files/config.json`,
      `/api/runs/${name}/metrics`,
      `/api/runs/${name}/files/secret.txt`,
    ]),
    ...["../secret.txt", "..%2fsecret.txt", "..%2f..%2fsecret.txt", "samples/..%2f..%2f..%2fsecret.txt", "secret.txt", "notes.txt"].map(
      (file) => `/api/runs/petals-1/files/${file}`,
    ),
    "/api/runs/linked/files/config.json",
    "/api/runs/petals-2/files/config.json",
    "/api/runs/petals-2/files/model.safetensors",
    "/api/runs/petals-2/files/samples/step-000001.txt",
    "/api/../../secret.txt",
  ];

  beforeAll(() => {
    // Outside there is a run, too; a link to it, and links in a run to what lies outside.
    write(join(root, "config.json"), SECRET);
    write(join(root, "metrics.jsonl"), line(1, { secret: SECRET }));
    symlinkSync(root, join(runs, "linked"));
    write(join(runs, "petals-1", "notes.txt"), SECRET);
    write(join(runs, "petals-2", "metrics.jsonl"), "");
    mkdirSync(join(runs, "petals-2", "samples"));
    for (const name of ["config.json", "model.safetensors", "samples/step-000001.txt"])
      symlinkSync(join(root, "secret.txt"), join(runs, "petals-2", name));
  });
  afterAll(() => {
    rmSync(join(runs, "petals-2"), { recursive: true });
    rmSync(join(runs, "linked"));
  });

  it.each([...new Set(paths)])("%s", async (path) => {
    const answer = await rawGet(path);
    expect(answer).not.toContain(SECRET);
    expect(answer).toMatch(/^HTTP\/1.1 (400|404) /);
    // A line, no trace.
    expect(answer.split("\r\n\r\n")[1]!.trim().split("\n").length).toBe(1);
  });

  it("nothing to names that are not this machine's (DNS rebinding), nor by an address of a proxy", async () => {
    for (const host of ["evil.example", "evil.example:4321", "127.0.0.1.evil.example", "localhost.evil.example", "10.0.0.1"])
      for (const path of ["/", "/api/runs"]) {
        const answer = await rawGet(path, host);
        expect(answer).toMatch(/^HTTP\/1.1 403 /);
        expect(answer.split("\r\n\r\n")[1]).toMatch(/^this studio answers at 127\.0\.0\.1 and localhost only; .*\n$/);
      }
    for (const host of ["localhost", "LOCALHOST:1", "127.0.0.1", `127.0.0.1:${studio.port}`, "[::1]:4321"])
      expect(await rawGet("/api/", host)).toMatch(/^HTTP\/1.1 200 /);
    expect(await raw("GET / HTTP/1.0\r\n\r\n")).toMatch(/ 403 /);
    expect(await rawGet(`http://evil.example/api/runs`)).toMatch(/^HTTP\/1.1 400 /);
  });

  it("nothing of the runs to pages of other origins", async () => {
    const asked = (site: string) =>
      raw(`GET /api/runs HTTP/1.1\r\nHost: localhost\r\nSec-Fetch-Site: ${site}\r\nConnection: close\r\n\r\n`);
    expect(await asked("same-origin")).toMatch(/^HTTP\/1.1 200 /);
    expect(await asked("none")).toMatch(/^HTTP\/1.1 200 /);
    expect(await asked("same-site")).toMatch(/^HTTP\/1.1 403 /);
    expect(await asked("cross-site")).toMatch(/^HTTP\/1.1 403 /);
  });

  it("nothing but a line to what is no request", async () => {
    expect(await raw("GIVE ME ALL\r\n\r\n")).toMatch(/^HTTP\/1.1 400 /);
    expect(await rawGet("/%zz")).toMatch(/^HTTP\/1.1 400 /);
  });
});

/** Another process that trains in a folder. @returns what kills it */
async function trainer(folder: string): Promise<() => Promise<unknown>> {
  const code = `
    import { FolderStore } from "./src/node/files/folder-store.ts";
    import { lock } from "./src/node/files/run-folder.ts";
    lock(new FolderStore(${JSON.stringify(folder)}), () => {});
    console.log("locked");
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ["--import", "tsx", "--input-type=module", "-e", code], { stdio: ["ignore", "pipe", "inherit"] });
  await once(child.stdout, "data");
  return () => {
    child.kill("SIGKILL");
    return once(child, "exit");
  };
}

describe("runs", () => {
  it("are listed with their options, state and last numbers, also those in folders and the style encoder's", async () => {
    makeRun("ablation/row 1", { steps: 20, done: 7, checkpoint: 7 });
    makeRun("text-1", { config: { command: "train-text" } });
    const style = makeRun("petals-1/style", { steps: 5 });
    write(
      join(style, "metrics.jsonl"),
      `{"stage":"style encoder","step":5,"loss":0.5}\n{"stage":"style encoder","step":5,"recovered":0.2}\n`,
    );
    write(join(style, "checkpoint", "step-000005.safetensors"), "weights");
    write(join(style, "style-encoder.safetensors"), "S");
    const list = await json<ListedRun[]>("api/runs");
    expect(list.map(({ name, command, state }) => [name, command, state])).toEqual([
      ["ablation/row 1", "train", "stopped"],
      ["petals-1", "train", "finished"],
      ["petals-1/style", "train-style", "finished"],
      ["text-1", "train-text", "stopped"],
    ]);
    const [row, petals, encoder] = list;
    expect(row).toMatchObject({ step: 7, steps: 20, checkpoint: 7, last: { lossG: 3.5 }, options: { steps: 20 } });
    expect(petals).toMatchObject({ stage: "GAN", step: 8, options: { variant: "gan-int-cls", dataset: "petals", preset: "tiny" } });
    expect(petals!.files).toEqual(["config.json", "metrics.jsonl", "text-encoder.safetensors"]);
    expect(encoder!.last).toEqual({ loss: 0.5, recovered: 0.2 });
    expect(row!.goOn).toBe(`npm run train -- --resume "${join(runs, "ablation/row 1")}"`);
    expect(encoder!.goOn).toBe(`npm run train-style -- --resume ${join(runs, "petals-1")}`);
    const file = await fetch(`${url}api/runs/petals-1%2Fstyle/files/style-encoder.safetensors`);
    expect([file.status, await file.text()]).toEqual([200, "S"]);
    expect(await (await fetch(`${url}api/runs/ablation%2Frow%201/files/checkpoint/step-000007.safetensors`)).text()).toBe("weights");
  });

  it("are training, killed or stopped as their lock and their last checkpoint say", async () => {
    const state = async (name: string) => (await runNamed(name))?.state;
    const folder = makeRun("states", { done: 7, checkpoint: 5 });
    // Killed together with its lock's folder entry, or copied: the steps after the checkpoint are lost.
    expect(await state("states")).toBe("killed");
    const release = lock(new FolderStore(folder), () => {});
    expect(await state("states")).toBe("training");
    release();
    writeFileSync(join(folder, "lock.json"), JSON.stringify({ process: NO_PROCESS, machine: hostname() }));
    expect(await state("states")).toBe("killed");
    // The number of a process comes again; that one began at another time.
    writeFileSync(join(folder, "lock.json"), JSON.stringify({ process: process.pid, machine: hostname(), began: "another boot 1" }));
    if (process.platform === "linux") expect(await state("states")).toBe("killed");
    writeFileSync(join(folder, "lock.json"), JSON.stringify({ process: NO_PROCESS, machine: `not ${hostname()}` }));
    expect(await state("states")).toBe("training");
    rmSync(join(folder, "lock.json"));
    renameSync(join(folder, "checkpoint", "step-000005.safetensors"), join(folder, "checkpoint", "step-000007.safetensors"));
    expect(await state("states")).toBe("stopped");
    rmSync(folder, { recursive: true });
  });

  it("show a process that was killed as such", async () => {
    const folder = makeRun("killed", { done: 7, checkpoint: 5 });
    const kill = await trainer(folder);
    expect((await runNamed("killed"))?.state).toBe("training");
    await kill();
    expect(await runNamed("killed")).toMatchObject({ state: "killed", step: 7, checkpoint: 5 });
    rmSync(folder, { recursive: true });
  });

  it("that train their text encoder first are shown so; a damaged config is told", async () => {
    const folder = makeRun("early", { options: { textSteps: 300 } });
    writeFileSync(join(folder, "metrics.jsonl"), '{"stage":"text encoder","step":12,"loss":3.5}\n{"stage":"text enc');
    expect(await runNamed("early")).toMatchObject({ stage: "text encoder", step: 12, steps: 300, last: { loss: 3.5 }, state: "stopped" });
    writeFileSync(join(folder, "config.json"), '{"options":');
    expect(await runNamed("early")).toMatchObject({ problem: "its config.json is damaged" });
    rmSync(folder, { recursive: true });
  });

  it("hand out their metrics in parts, whole lines only, and anew once the file is another", async () => {
    const folder = makeRun("parts", { done: 3 });
    const part = (after: number, id = "") => json<MetricsPart>(`api/runs/parts/metrics?after=${after}&id=${id}`);
    const first = await part(0);
    expect(first).toMatchObject({ from: 0, end: true });
    expect(first.records.map(({ step }) => step)).toEqual([1, 2, 3]);
    appendFileSync(join(folder, "metrics.jsonl"), line(4) + '{"stage":"GAN","st');
    const second = await part(first.next, first.id);
    expect(second.records.map(({ step }) => step)).toEqual([4]);
    appendFileSync(join(folder, "metrics.jsonl"), 'ep":5}\n');
    const third = await part(second.next, second.id);
    expect([third.from, third.records]).toEqual([second.next, [{ stage: "GAN", step: 5 }]]);
    // A resumed run writes its metrics anew; they may have grown past what was read.
    writeFileSync(join(folder, "beside"), Array.from({ length: 50 }, (_, i) => line(i + 1)).join(""));
    renameSync(join(folder, "beside"), join(folder, "metrics.jsonl"));
    const anew = await part(third.next, third.id);
    expect([anew.from, anew.records.length]).toEqual([0, 50]);
    expect(anew.id).not.toBe(third.id);
    expect((await fetch(`${url}api/runs/parts/metrics?after=-1`)).status).toBe(400);
    rmSync(folder, { recursive: true });
  });

  it("hand out a picture as such, in which nothing runs", async () => {
    const folder = makeRun("pictures");
    write(join(folder, "curves.svg"), "<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>");
    write(join(folder, "samples", "step-000010.png"), "PNG");
    write(join(folder, "samples", "step-000010.txt"), "a red petal");
    const svg = await fetch(`${url}api/runs/pictures/files/curves.svg`);
    expect(svg.headers.get("content-type")).toBe("image/svg+xml");
    expect(svg.headers.get("content-security-policy")).toBe("default-src 'none'; style-src 'unsafe-inline'; sandbox");
    const png = await fetch(`${url}api/runs/pictures/files/samples/step-000010.png`);
    expect([png.headers.get("content-type"), await png.text()]).toEqual(["image/png", "PNG"]);
    expect((await runNamed("pictures"))?.samples).toEqual([10]);
    rmSync(folder, { recursive: true });
  });

  it("may be none: a folder that is not there is an empty list, and seen when it comes", async () => {
    const later = join(root, "later");
    const other = await startStudio({ page, runs: later, port: await freePort() });
    const list = async () => (await (await fetch(`http://127.0.0.1:${other.port}/api/runs`)).json()) as ListedRun[];
    expect(await list()).toEqual([]);
    write(join(later, "petals-1", "config.json"), "{}");
    expect((await list()).map(({ name }) => name)).toEqual(["petals-1"]);
    await other.close();
  });

  it("may be a single one, named by its folder", async () => {
    const other = await startStudio({ page, runs: join(runs, "petals-1"), port: await freePort() });
    const get = (path: string) => fetch(`http://127.0.0.1:${other.port}/${path}`);
    expect(((await (await get("api/runs")).json()) as ListedRun[]).map(({ name }) => name)).toEqual(["petals-1", "style"]);
    expect((await get("api/runs/petals-1/files/config.json")).status).toBe(200);
    expect((await get("api/runs/text-1/files/config.json")).status).toBe(404);
    await other.close();
  });
});

describe("events", () => {
  interface Listener {
    /** The next event of a kind that meets a wish. */
    next(event: string, wish?: (data: unknown) => boolean): Promise<unknown>;
    readonly ended: Promise<void>;
    close(): void;
  }

  async function listen(port: number): Promise<Listener> {
    const seen: { event: string; data: unknown }[] = [];
    const waiting = new Set<() => void>();
    let text = "";
    const asked = request({ port, host: "127.0.0.1", path: "/api/events" });
    asked.end();
    const [response] = (await once(asked, "response")) as [NodeJS.ReadableStream & { headers: Record<string, string> }];
    expect(response.headers["content-type"]).toBe("text/event-stream");
    response.setEncoding("utf8");
    response.on("data", (part: string) => {
      text += part;
      const blocks = text.split("\n\n");
      text = blocks.pop()!;
      for (const block of blocks) {
        const [, event, data] = /^event: (\w+)\ndata: (.*)$/.exec(block) ?? [];
        if (event) seen.push({ event, data: JSON.parse(data!) as unknown });
      }
      for (const look of waiting) look();
    });
    response.on("error", () => {});
    const ended = new Promise<void>((resolve) => response.on("close", () => resolve()));
    const next = (event: string, wish: (data: unknown) => boolean = () => true) =>
      new Promise<unknown>((resolve) => {
        const look = () => {
          const at = seen.findIndex((one) => one.event === event && wish(one.data));
          if (at < 0) return;
          waiting.delete(look);
          resolve(seen.splice(0, at + 1).at(-1)!.data);
        };
        waiting.add(look);
        look();
      });
    return { next, ended, close: () => asked.destroy() };
  }

  it("tell a new line, a new picture, a new run, a run that is killed and one that has gone", { timeout: 30_000 }, async () => {
    const folder = makeRun("live", { done: 3 });
    const kill = await trainer(folder);
    const page = await listen(studio.port);
    const all = (await page.next("runs")) as ListedRun[];
    expect(all.find(({ name }) => name === "live")).toMatchObject({ state: "training", step: 3 });
    const changed = (wish: (run: ListedRun) => boolean) => page.next("run", (run) => wish(run as ListedRun));
    appendFileSync(join(folder, "metrics.jsonl"), line(4));
    expect(await changed(({ step }) => step === 4)).toMatchObject({ name: "live", last: { lossG: 2 } });
    write(join(folder, "samples", "step-000004.png"), "PNG");
    expect(await changed(({ samples }) => samples.length > 0)).toMatchObject({ name: "live", samples: [4] });
    // No file changes when a process is killed.
    await kill();
    expect(await changed(({ state }) => state === "killed")).toMatchObject({ name: "live" });
    makeRun("born");
    expect(await changed(({ name }) => name === "born")).toMatchObject({ state: "stopped", step: 0 });
    rmSync(join(runs, "born"), { recursive: true });
    expect(await page.next("gone", (name) => name === "born")).toBe("born");
    page.close();
    rmSync(folder, { recursive: true });
  });

  it("end at once with the server", async () => {
    const other = await startStudio({ page, runs, port: await freePort() });
    const pages = await Promise.all([listen(other.port), listen(other.port)]);
    await pages[0].next("runs");
    const begun = performance.now();
    await other.close();
    await Promise.all(pages.map(({ ended }) => ended));
    expect(performance.now() - begun).toBeLessThan(1000);
  });
});

describe("the command", () => {
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("npm_")));
  const words = (...more: string[]) => ["--import", "tsx", "src/cli/main.ts", "studio", ...more];
  const petalgrad = (...more: string[]) => spawnSync(process.execPath, words(...more), { encoding: "utf8", env, timeout: 60_000 });

  it("says one line for a port that is taken, and for what is no host or folder", async () => {
    await expect(startStudio({ page, runs, port: studio.port })).rejects.toThrow(
      `port ${studio.port} is taken: give another one, or none for a free one`,
    );
    await expect(startStudio({ page, runs, port: await freePort(), host: "192.0.2.1" })).rejects.toThrow(
      "--host 192.0.2.1 is no address of this machine; 0.0.0.0 is all of them",
    );
    expect(petalgrad("--runs", "package.json")).toMatchObject({
      status: 1,
      stderr: "petalgrad: --runs package.json is a file; name the folder that holds the runs\n",
    });
    expect(petalgrad("--port", "99999").stderr).toMatch(/^petalgrad: --port .*\n$/);
  });

  it("takes a free port where the usual one is taken, and says so to its caller", async () => {
    const studios = [await startStudio({ page, runs }), await startStudio({ page, runs })];
    expect(studios[1]!.moved).toBe(true);
    expect(studios[1]!.port).not.toBe(studios[0]!.port);
    expect((await fetch(`http://127.0.0.1:${studios[1]!.port}/api/`)).status).toBe(200);
    for (const studio of studios) await studio.close();
  });

  it("--help", () => {
    const { status, stdout } = petalgrad("--help");
    expect(status).toBe(0);
    expect(stdout).toContain("petalgrad studio: ");
    for (const option of ["--runs DIR", "--port N", "--host HOST"]) expect(stdout).toContain(option);
  });
});
