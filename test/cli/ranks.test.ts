/** What several ranks may be started for, and what is refused. */
import { afterEach, expect, it } from "vitest";
import { COMMANDS } from "../../src/cli/commands.js";
import { refuseRanks } from "../../src/cli/ranks.js";

const before = process.env.OMPI_COMM_WORLD_SIZE;
afterEach(() => {
  if (before === undefined) delete process.env.OMPI_COMM_WORLD_SIZE;
  else process.env.OMPI_COMM_WORLD_SIZE = before;
});

it("refuses what one process does alone, where several are started", () => {
  process.env.OMPI_COMM_WORLD_SIZE = "2";
  expect(() => refuseRanks("export")).toThrow(/^export works alone: start it without mpirun of Open MPI$/);
  process.env.OMPI_COMM_WORLD_SIZE = "1";
  expect(() => refuseRanks("export")).not.toThrow();
});

it("lets ranks share what draws, embeds, measures, prepares and trains", async () => {
  const commands = await Promise.all(Object.values(COMMANDS).map((load) => load()));
  const shared = commands.filter(({ options }) => "mpiLibrary" in options).map(({ name }) => name);
  expect(shared).toEqual(
    expect.arrayContaining(["train", "train-text", "train-style", "embeddings", "sample", "evaluate", "reproduce", "prepare"]),
  );
  expect(shared).not.toContain("export");
});
