/**
 * Makes a fresh clone ready, without a question and without dependencies: npm runs it before train, sample, test and the others.
 *
 *   node scripts/setup.mjs              packages, then a GPU adapter
 *   node scripts/setup.mjs --packages   packages only
 *   node scripts/setup.mjs --tests      packages, an adapter, and what only tests need: a browser, and two MPI libraries
 *
 * Quick and silent when all is well. Where there is no adapter it installs a software Vulkan driver on Debian and Ubuntu as root
 * (not with PETALGRAD_NO_INSTALL=1), and elsewhere prints the command to run and exits 1. What only tests need is installed likewise,
 * on Debian; where it is missing, that is said, and the tests that need it are skipped.
 */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { adapterAdvice, browserPlan, describeSystem, findBrowser, findMpirun, installPlan, mpiPlan, runPlan } from "../src/cli/driver.mjs";
import { probeAdapter } from "../src/cli/probe-adapter.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));

/** @param {string} line */
const say = (line) => process.stderr.write(`petalgrad set-up: ${line}\n`);

/**
 * What is stale in `node_modules`, as one phrase, or undefined when it holds what the lock file says.
 * npm keeps the list of what it installed beside the packages, in the lock file's own form.
 * @param {string} folder the project's root
 * @returns {string | undefined}
 */
export function stalePackages(folder) {
  const installedList = join(folder, "node_modules", ".package-lock.json");
  if (!existsSync(installedList)) return "node_modules is missing";
  /** @type {Record<string, {version?: string, integrity?: string, optional?: boolean, os?: string[], cpu?: string[], libc?: string[]}>} */
  const wanted = JSON.parse(readFileSync(join(folder, "package-lock.json"), "utf8")).packages;
  let installed;
  try {
    installed = JSON.parse(readFileSync(installedList, "utf8")).packages;
  } catch {
    return "node_modules is damaged";
  }
  for (const [path, entry] of Object.entries(wanted)) {
    if (path === "") continue;
    const name = path.replace(/^.*node_modules\//, "");
    const found = installed[path];
    if (found) {
      if (found.version !== entry.version || found.integrity !== entry.integrity)
        return `${name} is ${found.version}, not ${entry.version}`;
      if (!existsSync(join(folder, path, "package.json"))) return `${name} is missing`;
    } else if (!entry.optional || (entry.os?.includes(process.platform) && entry.cpu?.includes(process.arch) && !entry.libc)) {
      return `${name} is missing`;
    }
  }
  return undefined;
}

function installPackages() {
  const stale = stalePackages(root);
  if (!stale) return;
  say(`installing packages (${stale}) ...`);
  // Under npm its own path is known; a bare `npm` is a script that Windows starts only through a shell.
  const npm = process.env.npm_execpath;
  const words = ["ci", "--include=dev", "--no-audit", "--no-fund", "--loglevel=error"];
  /** @type {import("node:child_process").SpawnSyncOptions} */
  const options = { cwd: root, stdio: ["ignore", 2, 2], shell: !npm };
  const result = npm ? spawnSync(process.execPath, [npm, ...words], options) : spawnSync(["npm", ...words].join(" "), options);
  if (result.status !== 0) {
    say("npm could not install the packages (its message is above); with the network up, run `npm ci` and try again");
    process.exit(1);
  }
}

async function findAdapter() {
  const probe = await probeAdapter();
  if (probe.adapter) return;
  const system = describeSystem();
  const plan = installPlan(system, probe);
  if (!plan.runnable) {
    say(adapterAdvice(system, probe, plan));
    process.exit(1);
  }
  say(`no GPU adapter: installing a software Vulkan driver (${plan.what}), once ...`);
  const failure = runPlan(plan, (line) => say(`  ${line}`));
  if (failure) {
    say(`${failure}\nInstall a Vulkan driver yourself, then try again:\n${plan.commands.map((line) => `  ${line}`).join("\n")}`);
    process.exit(1);
  }
  const again = await probeAdapter();
  if (again.adapter) return say(`ready: ${again.adapter}`);
  say(`the driver is installed, but there is still no adapter:\n${again.reason}\n\`npm run doctor\` says more`);
  process.exit(1);
}

/**
 * What some tests need and nothing else does.
 * @param {string} lack
 * @param {import("../src/cli/driver.mjs").Plan} plan
 * @param {string} tests which are skipped without it
 */
function installForTests(lack, plan, tests) {
  if (plan.runnable) {
    say(`${lack} for ${tests}: installing ${plan.what}, once ...`);
    const failure = runPlan(plan, (line) => say(`  ${line}`));
    if (!failure) return;
    say(failure);
  }
  const how = plan.commands.length > 0 ? `:\n${plan.commands.map((line) => `  ${line}`).join("\n")}` : "";
  say(`${tests} are skipped, since there is ${lack}; install ${plan.what}${how}`);
}

async function main() {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  if (major < 20 || (major === 20 && minor < 9)) {
    say(`Node 20.9 or newer is needed, this is ${process.version}`);
    process.exit(1);
  }
  installPackages();
  if (!process.argv.includes("--packages")) await findAdapter();
  if (!process.argv.includes("--tests")) return;
  if (!findBrowser()) installForTests("no browser", browserPlan(describeSystem()), "the studio's tests");
  if (Object.values(findMpirun()).includes(undefined)) installForTests("no MPI", mpiPlan(describeSystem()), "the tests of several ranks");
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) await main();
