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

# Rows begin within four minutes; the last may take its time, but not for ever. The report is written row by row.
timeout 420 node --import tsx bench/main.ts --work paper --peers torch,torch-tf32,torch-compile --minutes 4 --json "$report" || true
node --import tsx bench/verdict.ts "$report"
