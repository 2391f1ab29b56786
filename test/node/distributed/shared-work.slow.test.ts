/** Work that ranks share: the same numbers and bytes as one alone, on every rank. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { ALONE } from "../../../src/train/run/world.js";
import { device } from "../../device.js";
import { tinyModels } from "../../train/gan/tiny-model.js";
import { tinyFolder } from "../datasets/tiny-folder.js";
import { describeUnderMpi, onRanks } from "./ranks.js";
import { type Digests, digestsOf } from "./shared-tasks.js";

let alone: Digests;
const folder = mkdtempSync(join(tmpdir(), "petalgrad-shared-"));
const model = join(folder, "model.safetensors");

beforeAll(async () => {
  alone = await digestsOf(await device(), ALONE);
  writeFileSync(model, (await tinyModels()).gan);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describeUnderMpi("ranks that share work", (launcher) => {
  it("draw, embed and measure to the bit as one alone", async () => {
    // Three with the one library, so that there are fewer sentences than ranks; two with the other.
    const size = launcher === "MPICH" ? 3 : 2;
    const { code, lines, said } = await onRanks(launcher, size, ["test/node/distributed/shared-program.ts"]);
    expect(said.filter((line) => !line.includes("waits for"))).toEqual([]);
    expect(code).toBe(0);
    expect(lines).toHaveLength(size);
    for (const { digests } of lines) expect(digests).toEqual(alone);
  });

  it("write one picture, and say it once", async () => {
    const draw = (out: string, count: number) =>
      onRanks(launcher, count, [
        ...["src/cli/main.ts", "sample", "--model", model, "--count", "7", "--plain", "--out", join(folder, out)],
        ...["red petals", "a blue one", "red", "blue petals", "petals"].flatMap((text) => ["--text", text]),
      ]);
    const [one, two] = [await draw(`${launcher}-1.png`, 1), await draw(`${launcher}-2.png`, 2)];
    expect([one.code, two.code]).toEqual([0, 0]);
    expect(two.stdout.replace(`${launcher}-2`, `${launcher}-1`)).toBe(one.stdout);
    expect(readFileSync(join(folder, `${launcher}-2.png`))).toEqual(readFileSync(join(folder, `${launcher}-1.png`)));
    expect(readdirSync(folder).filter((name) => name.includes(".tmp-"))).toEqual([]);
  });
});

describeUnderMpi("a preparation", (launcher) => {
  it("has the bytes of one alone, and says once what is left out", async () => {
    const data = tinyFolder(join(folder, `data-${launcher}`));
    writeFileSync(join(data, "images", "class_0", "image_0_1.png"), "no image");
    const run = async (name: string, count: number) => {
      const cache = join(folder, `${launcher}-${name}`);
      const words = ["src/cli/main.ts", "prepare", "--dataset", data, "--image-size", "16", "--sheet", join(cache, "sheet")];
      const { code, stdout } = await onRanks(launcher, count, words, { PETALGRAD_CACHE: cache });
      const [packed] = readdirSync(cache).filter((file) => file.endsWith(".packed"));
      return {
        code,
        said: stdout.replaceAll(cache, ""),
        left: readdirSync(cache).filter((file) => file.includes(".part")),
        bytes: readFileSync(join(cache, packed!)),
      };
    };
    const [one, two] = [await run("prepared-1", 1), await run("prepared-2", 2)];
    expect([one.code, two.code]).toEqual([0, 0]);
    expect(two.bytes.equals(one.bytes)).toBe(true);
    expect(two.said).toBe(one.said);
    expect(two.said).toContain("1 files were left out");
    expect(two.left).toEqual([]);
  });
});

// Of the library nothing depends here that the others do not show: one of them is enough.
describeUnderMpi("an ablation", (launcher) => {
  it.skipIf(launcher !== "Open MPI")("is trained a run a rank, measured by all, and printed once, as by one alone", async () => {
    const run = (out: string, count: number) => onRanks(launcher, count, ["test/node/distributed/reproduce-program.ts", join(folder, out)]);
    const [one, two] = await Promise.all([run("one", 1), run("two", 2)]);
    expect([one.code, two.code]).toEqual([0, 0]);
    const runs = ["gan", "gan-cls"].flatMap((name) => [`${name}/model.safetensors`, `${name}/style/style-encoder.safetensors`]);
    const files = [
      ...["results/petals-tiny.md", "results/petals-tiny.png", "results/petals-tiny-seed-0.json"],
      ...[...runs, "evaluation/report.json"].map((name) => `runs/seed-0/${name}`),
    ];
    for (const file of files)
      expect(readFileSync(join(folder, "two", file)).equals(readFileSync(join(folder, "one", file))), file).toBe(true);
    expect(two.lines.filter(({ page }) => page !== "")).toHaveLength(1);
    expect(two.lines.map(({ trained }) => trained)).toEqual([1, 1]);
  });
});
