/** `petalgrad studio`: the page, served on this machine, with the runs of a folder. */
import { statSync } from "node:fs";
import { networkInterfaces } from "node:os";
import { relative } from "node:path";
import { UserError } from "../errors.js";
import { type Context, defineCommand, withDefaults } from "./command.js";

const OPTIONS = {
  runs: { type: "text", placeholder: "DIR", default: "runs", description: "folder whose runs the room Runs shows, live" },
  port: { type: "integer", min: 1, max: 65535, description: "where to listen", defaultText: "4321, or a free one" },
  host: {
    type: "text",
    placeholder: "HOST",
    default: "127.0.0.1",
    description: "address to listen at; another than this machine's own lets everyone in the network read the runs",
  },
} as const;

export const studio = defineCommand({
  name: "studio",
  summary: "serve the studio, a page that draws and trains in the browser, and shows runs",
  details: "It serves the page and the runs' files, and writes nothing. A run may be trained by another process meanwhile.",
  options: OPTIONS,
  examples: [
    ["studio", "then open the address that it prints"],
    ["studio --runs ~/experiments --port 8080", "another folder of runs, another port"],
  ],
  async run(given, context) {
    const { runs, port, host } = withDefaults(OPTIONS, given);
    // Loaded here, so that --help needs no more than the tables.
    const { pageFolder } = await import("../node/studio/page-folder.js");
    const { isLoopback, startStudio, USUAL_PORT } = await import("../node/studio/server.js");
    const found = statSync(runs, { throwIfNoEntry: false });
    if (found && !found.isDirectory()) throw new UserError(`--runs ${runs} is a file; name the folder that holds the runs`);
    const server = await startStudio({ page: pageFolder(), runs, port, host });
    if (server.moved) context.print(`port ${USUAL_PORT} is taken; a free one instead`);
    if (!isLoopback(host)) context.print(`--host ${host}: everyone who reaches this machine by the network can read the page and the runs`);
    const shown = relative(".", runs).startsWith("..") ? runs : `./${relative(".", runs)}`;
    context.print(`runs: ${shown}${found ? "" : " (not there yet; they show as soon as they are)"}`);
    for (const name of namesOf(host)) context.print(`studio: http://${name}:${server.port}/`);
    await untilStopped(context);
    await server.close();
  },
});

function untilStopped({ catchInterrupt }: Context): Promise<void> {
  const signal = catchInterrupt("the studio has ended");
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve()));
}

/** What to type elsewhere to reach a host that stands for all addresses. */
function namesOf(host: string): string[] {
  if (host !== "0.0.0.0" && host !== "::") return [host.includes(":") ? `[${host.replace(/^\[|\]$/g, "")}]` : host];
  const addresses = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  const outside = addresses.filter(({ internal, family }) => !internal && family === "IPv4").map(({ address }) => address);
  return ["localhost", ...outside];
}
