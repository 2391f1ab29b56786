/** The set-up script: stale packages, the driver plan of each system, and what is said where no adapter can be had. */
import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { adapterAdvice, backportsSource, browserPlan, installPlan } from "../../src/cli/driver.mjs";
import { stalePackages } from "../../scripts/setup.mjs";

const folder = mkdtempSync(join(tmpdir(), "petalgrad-setup-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("stalePackages", () => {
  const here = { os: [process.platform], cpu: [process.arch] };
  const lock = {
    "": { version: "1.0.0" },
    "node_modules/a": { version: "1.2.3", integrity: "sha512-a" },
    "node_modules/b": { version: "1.0.0", integrity: "sha512-b", optional: true, os: ["plan9"], cpu: [process.arch] },
    "node_modules/c": { version: "1.0.0", integrity: "sha512-c", optional: true, ...here },
  };
  const installed = { "node_modules/a": lock["node_modules/a"], "node_modules/c": lock["node_modules/c"] };

  function project(installed: object | string | null, files = ["a", "c"]): string {
    const root = mkdtempSync(join(folder, "project-"));
    writeFileSync(join(root, "package-lock.json"), JSON.stringify({ packages: lock }));
    if (installed === null) return root;
    mkdirSync(join(root, "node_modules"));
    const text = typeof installed === "string" ? installed : JSON.stringify({ packages: installed });
    writeFileSync(join(root, "node_modules", ".package-lock.json"), text);
    for (const name of files) {
      mkdirSync(join(root, "node_modules", name));
      writeFileSync(join(root, "node_modules", name, "package.json"), "{}");
    }
    return root;
  }

  it("is content with what the lock file says, another system's packages aside", () => {
    expect(stalePackages(project(installed))).toBeUndefined();
  });

  it.each([
    ["no folder", null, "node_modules is missing"],
    ["a damaged list", "{", "node_modules is damaged"],
    ["another version", { ...installed, "node_modules/a": { version: "1.2.2", integrity: "sha512-x" } }, "a is 1.2.2, not 1.2.3"],
    ["other content of the same version", { ...installed, "node_modules/a": { version: "1.2.3", integrity: "sha512-x" } }, "a is 1.2.3"],
    ["a package less", { "node_modules/c": lock["node_modules/c"] }, "a is missing"],
    ["this system's binary less", { "node_modules/a": lock["node_modules/a"] }, "c is missing"],
  ])("notices %s", (_, list, message) => {
    expect(stalePackages(project(list))).toContain(message);
  });

  it("notices a package whose folder is gone", () => {
    expect(stalePackages(project(installed, ["c"]))).toBe("a is missing");
  });
});

describe("backportsSource", () => {
  const stanza = (suites: string, extra = "") =>
    `Types: deb\n# a comment\nURIs: http://mirror.example/debian\nSuites: ${suites}\nComponents: main\n${extra}`;
  const key = "Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg\n";

  it("derives the mirror and the key from the system's own sources", () => {
    expect(backportsSource([stanza("bookworm bookworm-updates", key)], "bookworm")).toBe(
      "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://mirror.example/debian bookworm-backports main",
    );
    expect(backportsSource(["# deb http://x bookworm main\ndeb http://mirror.example/debian bookworm main contrib\n"], "bookworm")).toBe(
      "deb http://mirror.example/debian bookworm-backports main",
    );
    expect(backportsSource(["deb [arch=amd64 signed-by=/k.gpg] http://mirror.example/d bookworm main"], "bookworm")).toBe(
      "deb [signed-by=/k.gpg] http://mirror.example/d bookworm-backports main",
    );
  });

  it("finds backports that are configured", () => {
    expect(backportsSource([stanza("bookworm"), "deb http://mirror.example/debian bookworm-backports main"], "bookworm")).toBe("");
    expect(backportsSource([stanza("bookworm bookworm-backports")], "bookworm")).toBe("");
  });

  it("does not take a disabled, a source-only or a foreign entry", () => {
    expect(backportsSource([stanza("bookworm-backports", "Enabled: no\n"), stanza("bookworm")], "bookworm")).toContain("mirror.example");
    expect(
      backportsSource(["deb-src http://mirror.example/debian bookworm main", "deb http://other.example nodistro main"], "bookworm"),
    ).toBe(undefined);
  });
});

describe("the plan", () => {
  const none = { kind: "none" as const, reason: "Warning: vkCreateInstance: Found no drivers!" };
  const system = {
    platform: "linux",
    ids: ["debian"],
    version: "12",
    codename: "bookworm",
    name: "Debian 12",
    root: true,
    mayInstall: true,
    sources: ["deb http://mirror.example/debian bookworm main"],
    loaderVariables: {},
    nvidia: false,
  };
  const advice = (changes: object, probe: Parameters<typeof adapterAdvice>[1] = none) => {
    const changed = { ...system, ...changes };
    return adapterAdvice(changed, probe, installPlan(changed, probe));
  };

  it("installs on Debian as root, from backports on 12", () => {
    const plan = installPlan(system, none);
    expect(plan.runnable).toBe(true);
    expect(plan.backports).toBe("deb http://mirror.example/debian bookworm-backports main");
    expect(plan.install).toEqual(expect.arrayContaining(["-t", "bookworm-backports", "mesa-vulkan-drivers"]));
    const trixie = installPlan({ ...system, codename: "trixie", version: "13" }, none);
    expect(trixie).toMatchObject({ runnable: true, backports: "" });
    expect(trixie.install).not.toContain("-t");
    expect(installPlan({ ...system, ids: ["ubuntu", "debian"], codename: "noble" }, none)).toMatchObject({ runnable: true, backports: "" });
  });

  it("only prints where installing is not its place or would not help", () => {
    expect(installPlan({ ...system, root: false }, none).runnable).toBe(false);
    expect(installPlan({ ...system, mayInstall: false }, none).runnable).toBe(false);
    expect(installPlan({ ...system, sources: [] }, none).runnable).toBe(false);
    expect(installPlan({ ...system, loaderVariables: { VK_DRIVER_FILES: "/x" } }, none).runnable).toBe(false);
    expect(installPlan(system, { kind: "crash", reason: "" }).runnable).toBe(false);
    expect(installPlan(system, { kind: "package", reason: "" }).runnable).toBe(false);
  });

  it("has a browser for the studio's tests on Debian, and leaves other systems alone", () => {
    expect(browserPlan(system)).toMatchObject({ runnable: true, install: expect.arrayContaining(["chromium"]) as string[] });
    expect(browserPlan({ ...system, mayInstall: false }).runnable).toBe(false);
    expect(browserPlan({ ...system, root: false })).toMatchObject({ runnable: false });
    expect(browserPlan({ ...system, root: false }).commands.at(-1)).toMatch(/^sudo apt-get install .*chromium$/);
    expect(browserPlan({ ...system, ids: ["ubuntu", "debian"] })).toMatchObject({ runnable: false, commands: [] });
  });

  it("names the command of each system", () => {
    const debian = advice({ root: false });
    expect(debian).toContain('echo "deb http://mirror.example/debian bookworm-backports main" | sudo tee /etc/apt/sources.list.d/');
    expect(debian).toContain("sudo apt-get install -y --no-install-recommends -t bookworm-backports mesa-vulkan-drivers libvulkan1");
    expect(advice({ root: false, sources: [] })).toContain("First add bookworm-backports to apt's sources");
    expect(advice({ ids: ["fedora"], root: false })).toContain("sudo dnf install mesa-vulkan-drivers");
    expect(advice({ ids: ["rocky", "rhel", "fedora"] })).toContain("  dnf install mesa-vulkan-drivers");
    expect(advice({ ids: ["arch"] })).toContain("pacman -S vulkan-swrast");
    expect(advice({ ids: ["alpine"] })).toContain("glibc");
    expect(advice({ platform: "darwin", ids: [] })).toContain("macOS");
    expect(advice({ platform: "win32", ids: [] })).toContain("Direct3D 12");
    expect(advice({ ids: ["nixos"] })).toContain("lavapipe");
    expect(advice({ nvidia: true, root: false })).toContain("NVIDIA_DRIVER_CAPABILITIES=all");
  });

  it("says why a loader that is held elsewhere, a crash or a missing binary is no matter of installing", () => {
    const held = advice({ loaderVariables: { VK_DRIVER_FILES: "/nonexistent" } });
    expect(held).toContain("VK_DRIVER_FILES=/nonexistent");
    expect(held).not.toContain("apt-get");
    expect(advice({}, { kind: "crash", reason: "the GPU driver ended the process by signal SIGSEGV" })).toContain("SIGSEGV");
    expect(advice({}, { kind: "package", reason: "npm's webgpu does not load here: x" })).toContain("glibc 2.34");
  });
});

it.runIf(process.platform === "linux")(
  "set-up exits 1 with the reason where the driver is missing, and says nothing where all is well",
  () => {
    const run = (env: NodeJS.ProcessEnv) =>
      spawnSync(process.execPath, ["scripts/setup.mjs"], { encoding: "utf8", env: { ...process.env, ...env }, timeout: 60_000 });
    const missing = run({ VK_DRIVER_FILES: "/nonexistent", VK_ICD_FILENAMES: "/nonexistent" });
    expect(missing.status).toBe(1);
    expect(missing.stderr).toContain("no GPU adapter found");
    expect(missing.stderr).toContain("VK_DRIVER_FILES=/nonexistent");
    const well = run({});
    expect(well).toMatchObject({ status: 0, stdout: "", stderr: "" });
  },
);

it("the lock file holds every platform's packages, and no address", () => {
  const root = mkdtempSync(join(folder, "lock-"));
  for (const name of ["package.json", "package-lock.json", ".npmrc"]) copyFileSync(name, join(root, name));
  // npm checks the two against each other before it fetches anything.
  const { status, stderr } = spawnSync("npm ci --dry-run --offline --ignore-scripts", { cwd: root, encoding: "utf8", shell: true });
  expect(status, stderr).toBe(0);
  expect(readFileSync("package-lock.json", "utf8")).not.toContain('"resolved"');
});
