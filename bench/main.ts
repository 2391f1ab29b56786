/** `npm run bench`: times the kernels on this machine's adapter, with `--peers` in turns with tfjs-backend-webgpu. */
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { UserError } from "../src/errors.js";
import { openDevice } from "../src/gpu/device.js";
import { benchGemm } from "./gemm.js";
import { openPeer } from "./peers.js";
import { header, type Row, rowLine, summary } from "./report.js";

const HELP = `bench: times the kernels on this machine's adapter

  npm run bench -- [options]

Options
  --filter TEXT  only rows whose suite or name contains it, such as "matmul", "width 16", "deconv5", "weightGrad"
  --variants     every kernel variant that runs here, instead of the one chosen by rule
  --peers        take turns with tfjs-backend-webgpu on the same adapter (installs it in bench/peers); matmul and width 64
  --json FILE    also write the rows there
  --help         this text

A row is the median of five measurements of about 0.1 s each, without read-back. "of peak" is the share of the rate at which the adapter
multiplies and adds on registers alone, taken in turns. Other programs on the machine make times worse: believe ratios within one run.`;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      filter: { type: "string", default: "" },
      variants: { type: "boolean", default: false },
      peers: { type: "boolean", default: false },
      json: { type: "string" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) {
    console.log(HELP);
    return;
  }
  const device = await openDevice();
  const peer = values.peers ? await openPeer((line) => console.error(line)) : undefined;
  console.log(`adapter: ${device.description}${peer ? `\npeer: ${peer.name}` : ""}\n\n${header(peer !== undefined)}`);
  const rows: Row[] = [];
  let suite = "";
  try {
    for await (const row of benchGemm(device, { filter: values.filter, allVariants: values.variants, ...(peer && { peer }) })) {
      if (row.suite !== suite) console.log(`-- ${row.suite}`);
      suite = row.suite;
      console.log(rowLine(row));
      rows.push(row);
    }
  } finally {
    peer?.close();
  }
  if (rows.length === 0) throw new UserError(`bench: no row has "${values.filter}" in its suite or name; leave --filter out to see all`);
  const verdict = summary(rows);
  if (verdict) console.log(`\n${verdict}`);
  if (values.json) writeFileSync(values.json, `${JSON.stringify(rows, null, 2)}\n`);
  device.destroy();
}

try {
  await main();
} catch (error) {
  const known = error instanceof UserError || (error as { code?: string }).code?.startsWith("ERR_PARSE_ARGS");
  console.error(known ? `error: ${(error as Error).message}` : error);
  process.exitCode = 1;
}
