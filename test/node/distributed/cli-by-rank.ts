/** The command line on several ranks, the words behind "+1" being rank 1's alone. */
const at = process.argv.indexOf("+1");
if (at >= 0) {
  const [, ...own] = process.argv.splice(at);
  if ((process.env.OMPI_COMM_WORLD_RANK ?? process.env.PMI_RANK) === "1") process.argv.push(...own);
}
await import("../../../src/cli/main.js");
