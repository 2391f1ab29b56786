/** Reads a report of `bench/gpu.sh` and says how it stands to the bars for GPUs: half of the f32 peak, PyTorch's speed in f32. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Report } from "./report.js";

/** One line a bar. */
export function verdict({ machine, rows }: Report): string[] {
  const lines: string[] = [];
  if (machine.settings["kind of adapter"] !== "GPU") {
    lines.push(`${machine.adapter} is a software adapter: the GPU's Vulkan driver was not found, and this says nothing of a GPU`);
  }
  const product = rows.find(({ suite, name }) => suite === "peers, matmul" && name === "matmul 4096");
  lines.push(
    product?.more.share === undefined
      ? "matmul 4096: not measured"
      : `matmul 4096: ${product.gflops!.toFixed(0)} GFLOP/s, ${(100 * product.more.share).toFixed(0)} % of the f32 peak measured beside it (bar: 50 %)`,
  );
  const steps = rows.filter(({ suite }) => suite === "peers, step");
  if (steps.length === 0) lines.push("the paper preset's step: not measured");
  for (const { peer, ms, ratio, more } of steps) {
    lines.push(
      peer === null
        ? `the paper preset's step: ${ms.toFixed(1)} ms; there was no PyTorch to compare with`
        : `the paper preset's step: ${ms.toFixed(1)} ms, ${ratio!.toFixed(2)} times as fast as ${peer} (${more.peerMs!.toFixed(1)} ms)`,
    );
  }
  return lines;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  console.log(verdict(JSON.parse(readFileSync(process.argv[2]!, "utf8")) as Report).join("\n"));
}
