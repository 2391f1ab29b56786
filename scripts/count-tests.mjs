/** Prints "N passed, N failed", before it how many were skipped, from vitest's JSON report; exits 1 where a test failed, a file did not load, or none ran. */
import { readFileSync } from "node:fs";

/** @type {{numPassedTests: number, numFailedTests: number, numPendingTests: number, numTodoTests: number, testResults: {status: string, assertionResults: unknown[]}[]}} */
let report;
try {
  report = JSON.parse(readFileSync(process.argv[2] ?? "", "utf8"));
} catch {
  console.log("the tests did not run to their end\n0 passed, 1 failed");
  process.exit(1);
}
// A file that does not load holds no test, and has failed all the same.
const unloaded = report.testResults.filter((file) => file.status === "failed" && file.assertionResults.length === 0).length;
const failed = report.numFailedTests + unloaded;
const skipped = report.numPendingTests + report.numTodoTests;
if (skipped > 0) console.log(`${skipped} skipped, each with its reason above`);
console.log(`${report.numPassedTests} passed, ${failed} failed`);
process.exit(failed > 0 || report.numPassedTests === 0 ? 1 : 0);
