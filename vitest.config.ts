import { BaseSequencer, type TestSpecification } from "vitest/node";
import { defineConfig } from "vitest/config";

/** Quick files first, so that a mistake shows early: by the last run's time where it is known, `*.slow.test.ts` at the end. */
class QuickFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const cost = (file: TestSpecification): number => {
      if (file.moduleId.includes(".slow.")) return Infinity;
      return (
        this.ctx.cache.getFileTestResults(`${file.project.name}:${file.moduleId.slice(this.ctx.config.root.length + 1)}`)?.duration ?? 0
      );
    };
    const costs = new Map(files.map((file) => [file, cost(file)]));
    return [...files].sort((a, b) => costs.get(a)! - costs.get(b)! || a.moduleId.localeCompare(b.moduleId));
  }
}

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    sequence: { sequencer: QuickFirst },
    // Dawn is native code: a process a file, so that one crash does not take the others along.
    pool: "forks",
    maxWorkers: 2,
    // A software adapter compiles a new kernel in up to seconds: on a fresh machine whose two cores do other work too, minutes add up.
    testTimeout: 300_000,
    hookTimeout: 300_000,
    teardownTimeout: 20_000,
    // .ci/run counts the tests by this report.
    reporters: process.env.PETALGRAD_TEST_REPORT ? ["default", ["json", { outputFile: process.env.PETALGRAD_TEST_REPORT }]] : ["default"],
  },
});
