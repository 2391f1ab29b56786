/** The order of the house: tests stand where what they test stands, and every file says in its first line what it is. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { expect, it } from "vitest";

/** What has no room of its own: float64 references, PyTorch's numbers, mutated files for all readers, recorded files. */
const WITHOUT_ROOM = ["reference", "oracle", "fuzz", "fixtures"];

/** What speaks of the whole: papers, rules, the package, its faces, and the two files that stand in src itself. */
const OF_THE_WHOLE = ["docs", "examples", "faces", "lint", "models-in-the-box", "option-types", "package.slow", "rooms", "types"];

const entries = readdirSync("test", { recursive: true, withFileTypes: true }).map((entry) => ({
  path: `${entry.parentPath.replaceAll("\\", "/")}/${entry.name}`.replace(/^test\//, ""),
  folder: entry.isDirectory(),
}));

/** Folders of tests whose room does not exist. */
function astray(folders: readonly string[]): string[] {
  return folders.filter((folder) => !WITHOUT_ROOM.includes(folder.split("/")[0]!) && !existsSync(`src/${folder}`) && !existsSync(folder));
}

it("every folder of tests has its room", () => {
  expect(astray(["train/gan", "kernels", "engine", "train/embeddings", "oracle"])).toEqual(["engine", "train/embeddings"]);
  expect(astray(entries.filter(({ folder }) => folder).map(({ path }) => path))).toEqual([]);
});

it("a test that stands in no room speaks of the whole", () => {
  const loose = entries.flatMap(({ path }) => /^[^/]+(?=\.test\.ts$)/.exec(path) ?? []);
  expect(loose.sort()).toEqual(OF_THE_WHOLE);
});

it("every room of src has tests", () => {
  const rooms = readdirSync("src", { withFileTypes: true }).filter((entry) => entry.isDirectory());
  expect(rooms.map(({ name }) => name).filter((name) => !existsSync(`test/${name}`))).toEqual([]);
});

it("every file says first what it is", () => {
  const folders = ["kernels", "src", "studio", "bench", "examples", "test"];
  const files = folders.flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: "utf8" }).flatMap((name) =>
      /(?<!\.d)\.tsx?$/.test(name) && !/node_modules|^dist/.test(name) ? [`${folder}/${name}`] : [],
    ),
  );
  expect(files.length).toBeGreaterThan(400);
  expect(files.filter((file) => !/^(?:#!.*\n)?\/\*\*/.test(readFileSync(file, "utf8")))).toEqual([]);
});
