#!/usr/bin/env bash
# On a machine with a GPU: the rate of our matrix product of 4096 against the card's own peak, and the paper preset's step against PyTorch in
# f32, with TF32, and with torch.compile. Needs this repository, Node 20 or newer, and the GPU's driver with Vulkan; PyTorch with CUDA
# where the comparison is wanted. Takes less than eight minutes, and leaves a report for bench/document.ts.
#
#     bench/gpu.sh [REPORT.json]
set -euo pipefail
report="$(realpath -m "${1:-gpu.json}")"
cd "$(dirname "$0")/.."

command -v node > /dev/null || { echo "error: Node 20 or newer is needed; there is no node on the path" >&2; exit 1; }
if command -v nvidia-smi > /dev/null; then
  nvidia-smi --query-gpu=name,driver_version,clocks.max.sm,power.limit --format=csv || true
fi
# Packages only: a software driver would be installed where the GPU's is not found, and that is not what is to be measured.
node scripts/setup.mjs --packages
node --import tsx src/cli/main.ts doctor || true

# What Dawn offers beyond the standard when asked for: matrices of a subgroup would be a kernel variant of their own.
node --input-type=module -e '
  const { create } = await import("webgpu");
  const gpu = create(["enable-dawn-features=allow_unsafe_apis,vulkan_enable_f16_on_nvidia"]);
  const adapter = await gpu.requestAdapter({ powerPreference: "high-performance" });
  for (const name of ["shader-f16", "chromium-experimental-subgroup-matrix"]) console.log(`${name}: ${adapter?.features.has(name) ?? false}`);
  for (const c of adapter?.info.subgroupMatrixConfigs ?? []) console.log(`subgroup matrix ${c.M}x${c.N}x${c.K} ${c.componentType} ${c.resultComponentType}`);
  process.exit(0);
' || true

# Rows begin within four minutes; the last may take its time, but not for ever. The report is written row by row.
timeout 360 node --import tsx bench/main.ts --work paper --peers torch,torch-tf32,torch-compile --minutes 4 --json "$report" || true
# The paper preset with activations in f32 and in f16, where the driver has shader-f16.
timeout 75 node --import tsx bench/main.ts --suite steps --filter "128/64" --minutes 1 --json "${report%.json}-storage.json" || true
node --import tsx bench/verdict.ts "$report"
