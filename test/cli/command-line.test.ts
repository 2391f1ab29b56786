/** The command line: what the words mean, what is said to wrong ones, help, progress, interrupts. */
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it, vi } from "vitest";
import { commandLine, typed } from "../../src/command-line.js";
import { defineCommand, parseOptions, takeWords, withDefaults } from "../../src/cli/command.js";
import { COMMANDS } from "../../src/cli/commands.js";
import { commandHelp } from "../../src/cli/help.js";
import { bytes, duration, Progress, short } from "../../src/cli/progress.js";

const command = defineCommand({
  name: "grow",
  summary: "grow flowers",
  options: {
    steps: { type: "integer", min: 1, default: 10, description: "how often" },
    rate: { type: "number", min: 0, max: 1, default: 0.5, description: "how fast" },
    offset: { type: "number", description: "may be negative" },
    petalColour: { type: "choice", choices: ["red", "blue"], description: "of the petals", defaultText: "what grows" },
    residual: { type: "flag", default: true, description: "the leaves" },
    dryRun: { type: "flag", description: "only say what would be done" },
    text: { type: "texts", placeholder: "TEXT", description: "a caption" },
    run: { type: "text", placeholder: "DIR", description: "where" },
  },
  examples: [["grow --steps 3", "three times"]],
  run: () => Promise.resolve(),
});

const parse = (...words: string[]) => parseOptions(command, words);

describe("a command in a message", () => {
  it("is typed as where it runs wants it", () => {
    expect(typed("sample --run DIR", true)).toBe("npm run sample -- --run DIR");
    expect(typed("train", true)).toBe("npm run train");
    expect(typed("sample --run DIR", false)).toBe("npx petalgrad sample --run DIR");
    expect(typed("train", false)).toBe("npx petalgrad train");
    // These tests run in a clone.
    expect(typed("train")).toBe("npm run train");
  });

  it("quotes what a shell would take apart", () => {
    expect(commandLine("sample", "--run", "runs/petals-1", "--text", 'a "red" flower, $5')).toBe(
      'npm run sample -- --run runs/petals-1 --text "a \\"red\\" flower, \\$5"',
    );
    expect(commandLine("train", "--resume", "my runs/one")).toBe('npm run train -- --resume "my runs/one"');
  });

  it("is spelt in one place only", () => {
    const sources = readdirSync("src", { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".ts"));
    const code = (name: string) => readFileSync(join("src", name), "utf8").replace(/^\s*(\/?\*|\/\/).*$/gm, "");
    const spelling = sources.filter((name) => /npm run |npx petalgrad/.test(code(name)));
    expect(spelling).toEqual(["command-line.ts"]);
  });
});

describe("takeWords", () => {
  const plant = { name: "plant", words: ["seed|bulb", "PLACE"] };
  it("takes the words that a command wants, and leaves the rest", () => {
    expect(takeWords(plant, ["bulb", "garden", "--steps", "3"])).toEqual({ words: ["bulb", "garden"], rest: ["--steps", "3"] });
    expect(takeWords(command, ["garden", "--steps"])).toEqual({ words: [], rest: ["garden", "--steps"] });
    expect(takeWords(plant, ["bulb", "--help"])).toEqual({ words: [], rest: ["--help"] });
  });

  it("says what is missing or wrong", () => {
    expect(() => takeWords(plant, ["bulb"])).toThrow("plant needs seed|bulb PLACE; see npm run plant -- --help");
    expect(() => takeWords(plant, ["bulb", "--steps", "3"])).toThrow("plant needs seed|bulb PLACE");
    expect(() => takeWords(plant, ["bulp", "garden"])).toThrow("plant bulp: it must be seed or bulb; did you mean bulb?");
  });

  it("shows them in help", () => {
    expect(commandHelp({ ...command, ...plant })).toContain("\n  npm run plant -- seed|bulb PLACE [options]\n");
  });
});

describe("parseOptions", () => {
  afterEach(() => vi.unstubAllEnvs());

  it("reads every kind of option, in both spellings", () => {
    expect(
      parse("--steps", "3", "--rate=1e-1", "--offset", "-2.5", "--petal-colour", "blue", "--no-residual", "--dry-run", "--run", "a b"),
    ).toEqual({
      steps: 3,
      rate: 0.1,
      offset: -2.5,
      petalColour: "blue",
      residual: false,
      dryRun: true,
      run: "a b",
    });
    expect(parse("--residual", "--text", "one", "--text=--two")).toEqual({ residual: true, text: ["one", "--two"] });
    expect(parse()).toEqual({});
  });

  it("reads what is on or off in one form, and by the words", () => {
    expect(parse("--residual", "off", "--dry-run", "on", "--steps", "3")).toEqual({ residual: false, dryRun: true, steps: 3 });
    expect(parse("--dry-run=off", "--residual=on")).toEqual({ dryRun: false, residual: true });
    expect(parse("--no-dry-run", "--text", "on")).toEqual({ dryRun: false, text: ["on"] });
  });

  it("fills in defaults only when asked to", () => {
    expect(withDefaults(command.options, { rate: 1 })).toEqual({ steps: 10, rate: 1, residual: true });
  });

  it("sees --help anywhere, also beside mistakes", () => {
    expect(parse("--stepz", "3", "--help")).toBe("help");
    expect(parse("-h")).toBe("help");
  });

  it.each([
    [["--step", "3"], "unknown option --step; did you mean --steps?"],
    [["--petal-color", "red"], "unknown option --petal-color; did you mean --petal-colour?"],
    [["--no-residul"], "unknown option --no-residul; did you mean --residual?"],
    [["--qqqqqqqq"], "unknown option --qqqqqqqq (npm run grow -- --help lists all)"],
    [["-s", "3"], "unknown option -s"],
    [["--no-steps"], "unknown option --no-steps; did you mean --steps?"],
    [["--steps"], "--steps needs a value, e.g. --steps 10"],
    [["--steps", "--dry-run"], "--steps needs a value"],
    [["--petal-colour"], "--petal-colour needs a value, e.g. --petal-colour red"],
    [["--run", "--steps", "3"], "--run needs a value, e.g. --run DIR"],
    [["--steps", "many"], '--steps must be a whole number of at least 1, not "many"'],
    [["--steps", "2.5"], "--steps must be a whole number of at least 1, not 2.5"],
    [["--steps", "0"], "--steps must be a whole number of at least 1, not 0"],
    [["--steps="], '--steps must be a whole number of at least 1, not ""'],
    [["--rate", "1.5"], "--rate must be a number from 0 to 1, not 1.5"],
    [["--rate", "Infinity"], "--rate must be a number from 0 to 1, not Infinity"],
    [["--text", ""], '--text must not be empty, not ""'],
    [["--text", "a", "--text", ""], '--text must not be empty, not "a", ""'],
    [["--petal-colour", "green"], '--petal-colour must be one of red, blue, not "green"'],
    [["--run", ""], "--run must not be empty"],
    [["--text", " \t "], "--text must not be empty"],
    [["--dry-run=yes"], "--dry-run takes no value; write --dry-run or --no-dry-run"],
    [["--no-dry-run=on"], "--no-dry-run takes no value; write --dry-run or --no-dry-run"],
    [["--no-dry-run", "on"], 'unexpected "on"; see npm run grow -- --help'],
    [["--dry-run", "yes"], 'unexpected "yes"; see npm run grow -- --help'],
    [["--dry-run", "on", "off"], 'unexpected "off"; see npm run grow -- --help'],
    [["--steps", "3", "--steps", "4"], "--steps is given twice"],
    [["3"], 'unexpected "3"; see npm run grow -- --help'],
    [["--__proto__", "3"], "unknown option --__proto__"],
  ])("%j -> %s", (words, message) => {
    expect(() => parse(...words)).toThrow(message);
  });

  it("notices options that npm kept to itself", () => {
    vi.stubEnv("npm_lifecycle_event", "grow");
    expect(() => parse("3")).toThrow("npm run grow -- --option value");
    vi.stubEnv("npm_config_petal_colour", "blue");
    expect(() => parse()).toThrow("npm took --petal-colour for itself; write: npm run grow -- --petal-colour blue");
  });
});

it("help shows every option with its default, and the examples", () => {
  const help = commandHelp(command as unknown as Parameters<typeof commandHelp>[0]);
  for (const line of [
    "--steps N                 how often (default: 10)",
    "--rate X                  how fast (default: 0.5)",
    "--petal-colour red|blue   of the petals (default: what grows)",
    "--no-residual             without: the leaves",
    "--dry-run                 only say what would be done",
    "--text TEXT               a caption; may be repeated",
    "npm run grow -- --steps 3",
  ]) {
    expect(help.replace(/ +/g, " ")).toContain(line.replace(/ +/g, " "));
  }
});

describe("help in groups", () => {
  const grouped = {
    soil: { type: "text", placeholder: "KIND", group: "The ground", description: "of the bed" },
    ema: { type: "number", group: "Ours", default: 0.5, source: "Karras et al. 2018", description: "of the leaves" },
    water: { type: "flag", group: "The ground", description: "every day" },
  } as const;

  it("lists options under their headings, and says who says so", () => {
    const help = commandHelp({ ...command, options: grouped, examples: [] });
    expect(help).toContain(
      [
        ...["The ground", "  --soil KIND  of the bed", "  --water      every day", ""],
        ...["Ours", "  --ema X      of the leaves [Karras et al. 2018] (default: 0.5)", "", "  --help       this text", ""],
      ].join("\n"),
    );
  });

  it("has one list where not every option has a heading", () => {
    const help = commandHelp({ ...command, options: { ...grouped, run: { type: "flag", description: "now" } }, examples: [] });
    expect(help).not.toContain("The ground");
    expect(help).toMatch(/\nOptions\n {2}--soil KIND {2}of the bed\n {2}--ema X[^\n]*\n {2}--water[^\n]*\n {2}--run[^\n]*\n {2}--help/);
  });
});

describe("Progress", () => {
  function display(isTTY: boolean) {
    let time = 0;
    let text = "";
    const progress = new Progress({ isTTY, columns: 80, write: (part: string) => (text += part) }, () => time);
    return {
      progress,
      at(milliseconds: number, done: number, total = 100) {
        time = milliseconds;
        progress.update({
          label: "GAN",
          done,
          total,
          rate: "5 images/s",
          numbers: isTTY ? { G: 1.23456, D: 0.5, probability: 0.25 } : { G: 1.23456, D: 0.5 },
        });
      },
      read: () => {
        const all = text;
        text = "";
        return all;
      },
    };
  }

  it("prints a plain line at first, every ten seconds, and at last", () => {
    const { progress, at, read } = display(false);
    at(0, 1);
    at(100, 2);
    at(9000, 3);
    at(10_000, 11);
    at(10_100, 12);
    progress.message("step 12: samples");
    at(12_000, 100);
    progress.end();
    expect(read().split("\n")).toEqual([
      "GAN   1/100  5 images/s  G 1.23  D 0.500",
      "GAN  11/100  5 images/s  G 1.23  D 0.500  1 min left",
      "step 12: samples",
      "GAN 100/100  5 images/s  G 1.23  D 0.500",
      "",
    ]);
  });

  it("reckons the time left by the recent speed", () => {
    const { at, read } = display(false);
    at(0, 0, 1000);
    for (let second = 60; second <= 180; second += 10) at(second * 1000, second - 60, 1000);
    // A minute without a step, then one a second.
    expect(read().split("\n").at(-2)).toContain("15 min left");
  });

  it("tells how many are done a second, without those that were done before", () => {
    let time = 0;
    let text = "";
    const counted = new Progress({ write: (part: string) => (text += part) }, () => time);
    const at = (seconds: number, done: number) => {
      time = 1000 * seconds;
      counted.update({ label: "preparing coco", done, total: 82_783, unit: "images" });
    };
    at(0, 40_000);
    at(10, 42_000);
    expect(text.split("\n")).toEqual(["preparing coco 40000/82783", "preparing coco 42000/82783  200 images/s  3 min left", ""]);
  });

  it("redraws one line on a terminal, never wider than it, messages above it", () => {
    const { progress, at, read } = display(true);
    at(0, 1);
    expect(read()).toMatch(/^\r\x1b\[2KGAN \[ +\] {3}1\/100 {2}5 images\/s/);
    at(50, 2);
    expect(read()).toBe("");
    at(60_000, 50);
    const line = read().replace("\r\x1b[2K", "");
    // "probability 0.250" would not fit as a whole.
    expect(line).toBe("GAN [======      ]  50/100  5 images/s  1 min left  G 1.23  D 0.500");
    expect(line.length).toBeLessThanOrEqual(79);
    progress.message("saved");
    expect(read()).toBe("\r\x1b[2Ksaved\n");
    at(60_010, 51);
    progress.end();
    expect(read()).toMatch(/51\/100.*\n$/);
  });

  it("writes numbers for people", () => {
    expect([0, 3, 1.23456, 12.345, 123.45, 0.0123, 1.2e-5, -0.5, NaN, 2e7].map(short)).toEqual(
      ["0", "3", "1.23", "12.3", "123", "0.012", "1.2e-5", "-0.500", "NaN", "2.0e+7"], //
    );
    expect([0.2, 45, 59.6, 720, 3600 * 3.34, 86400 * 9].map(duration)).toEqual(["0 s", "45 s", "1 min", "12 min", "3 h 20 min", "9 days"]);
    expect([0, 999, 1500, 330e6, 25.3e9].map(bytes)).toEqual(["0 B", "999 B", "1.5 kB", "330 MB", "25.3 GB"]);
  });
});

describe("the program", () => {
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("npm_")));
  const main = ["--import", "tsx", "src/cli/main.ts"];
  const petalgrad = (words: string[], more: NodeJS.ProcessEnv = {}) =>
    spawnSync(process.execPath, [...main, ...words], { encoding: "utf8", env: { ...env, ...more }, timeout: 60_000 });

  it.each(Object.keys(COMMANDS))("%s --help", async (name) => {
    const command = await COMMANDS[name]!();
    expect(command.name).toBe(name);
    const { words, rest } = takeWords(command, ["--help"]);
    expect([words, parseOptions(command, rest)]).toEqual([[], "help"]);
    const help = commandHelp(command);
    expect(help).toContain(`petalgrad ${name}: `);
    expect(help).toContain("Examples");
    // Starting the program takes a second or two: the way there is the same for all.
    if (!["train", "text-encoder"].includes(name)) return;
    for (const typed of [
      [name, "--help"],
      ["help", name],
    ])
      expect(petalgrad(typed)).toMatchObject({ status: 0, stdout: `${help}\n`, stderr: "" });
  });

  it("lists its commands, and its version", () => {
    const { status, stdout } = petalgrad([]);
    expect(status).toBe(0);
    for (const name of Object.keys(COMMANDS)) expect(stdout).toContain(`\n  ${name}`);
    expect(petalgrad(["--version"]).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });

  it("says one line and exits 1 for what the user got wrong", () => {
    expect(petalgrad(["trian"])).toMatchObject({
      status: 1,
      stdout: "",
      stderr: 'petalgrad: unknown command "trian"; did you mean "train"? (--help lists all)\n',
    });
    expect(petalgrad(["train", "--varient", "gan"])).toMatchObject({
      status: 1,
      stderr: "petalgrad: unknown option --varient; did you mean --variant? (npm run train -- --help lists all)\n",
    });
    const tulips = petalgrad(["prepare", "--dataset", "tulips"]);
    expect(tulips).toMatchObject({ status: 1, stdout: "" });
    expect(tulips.stderr).toMatch(/^petalgrad: no data set "tulips".*\n$/);
  });

  it("shows the stack with PETALGRAD_DEBUG=1", () => {
    expect(petalgrad(["train", "--varient"], { PETALGRAD_DEBUG: "1" }).stderr).toMatch(/\n {4}at /);
  });

  it("doctor shows the adapter and its limits, and fails where there is none", () => {
    // Not a name that a machine may have: "/nonexistent" is the home of users without one, and a driver makes its cache there.
    const missing = join(tmpdir(), "petalgrad-no-such-folder", "data");
    const well = petalgrad(["doctor"], { PETALGRAD_DATA: missing });
    expect(well.stdout).toMatch(/adapter {2,}\S/);
    expect(well.stdout).toMatch(/maxStorageBufferBindingSize {2,}\d+ MiB/);
    expect(well.stdout).toMatch(/webgpu {2,}\d+\.\d+/);
    const facts = JSON.parse(petalgrad(["doctor", "--json"]).stdout) as { limits: Record<string, number> };
    expect(facts.limits.maxBufferSize).toBeGreaterThan(0);
    const none = petalgrad(["doctor"], { VK_DRIVER_FILES: "/nonexistent", VK_ICD_FILENAMES: "/nonexistent" });
    if (process.platform === "linux") {
      expect(none.status).toBe(1);
      expect(none.stdout).toContain("VK_DRIVER_FILES=/nonexistent");
    }
    expect(well.stdout).toContain(`PETALGRAD_DATA=${missing} is no folder`);
  });

  it.skipIf(process.platform !== "linux")("says one line where there is no driver, and nothing of Dawn's where there is one", () => {
    const none = { VK_DRIVER_FILES: "/nonexistent", VK_ICD_FILENAMES: "/nonexistent" };
    const line = "petalgrad: no GPU adapter found: install a Vulkan driver (`npm run doctor` says how), or use a browser with WebGPU\n";
    const words = ["sample", "--text", "red", "--model", "package.json"];
    // Standard error as a socket, and as a pipe.
    expect(petalgrad(words, none)).toMatchObject({ status: 1, stdout: "", stderr: line });
    const piped = (more: NodeJS.ProcessEnv) => {
      const command = `"${process.execPath}" ${main.join(" ")} ${words.join(" ")} 2>&1 | cat`;
      return spawnSync("sh", ["-c", command], { encoding: "utf8", env: { ...env, ...more }, timeout: 60_000 }).stdout;
    };
    expect(piped(none)).toBe(line);
    expect(piped({})).toMatch(/^petalgrad: package\.json.*\n$/);
    expect(petalgrad(words).stderr).toMatch(/^petalgrad: package\.json.*\n$/);
    // And a file that is appended to, by others too: what they wrote is there, and nothing lies over it.
    const folder = mkdtempSync(join(tmpdir(), "petalgrad-cli-"));
    try {
      const command = `echo before; "${process.execPath}" ${main.join(" ")} ${words.join(" ")}; echo after`;
      const log = join(folder, "log");
      spawnSync("sh", ["-c", `(${command}) >> "${log}" 2>&1`], { env, timeout: 60_000 });
      expect(readFileSync(log, "utf8")).toMatch(/^before\npetalgrad: package\.json.*\nafter\n$/);
      // Or a file in which all have one place.
      spawnSync("sh", ["-c", `(${command}) > "${log}" 2>&1`], { env, timeout: 60_000 });
      expect(readFileSync(log, "utf8")).toMatch(/^before\npetalgrad: package\.json.*\nafter\n$/);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it.each(["SIGINT", "SIGHUP"] as const)("%s (Ctrl-C, a closed terminal) ends a preparation in good order", async (signal) => {
    const cache = mkdtempSync(join(tmpdir(), "petalgrad-cli-"));
    try {
      const child = spawn(process.execPath, [...main, "prepare", "--image-size", "128"], { env: { ...env, XDG_CACHE_HOME: cache } });
      let said = "";
      child.stderr.on("data", (part) => {
        if (!said.includes("preparing") && String(part).includes("preparing")) child.kill(signal);
        said += String(part);
      });
      const code = await new Promise((resolve) => child.on("close", resolve));
      expect(code).toBe(130);
      expect(said).toMatch(
        /stopping; what is done of a folder or archive is kept, and the same command goes on\n[^]*petalgrad: stopped\n$/,
      );
    } finally {
      rmSync(cache, { recursive: true, force: true });
    }
  });
});
