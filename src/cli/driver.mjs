/**
 * How to get a Vulkan driver on this system: the commands, and running them where that is our place (Debian and Ubuntu as root).
 * Plain JavaScript, without dependencies: scripts/setup.mjs uses it before anything is installed.
 */
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** @import { Probe } from "./probe-adapter.mjs" */

/**
 * @typedef {object} System
 * @property {string} platform as `process.platform`
 * @property {string[]} ids os-release's ID, then ID_LIKE: "ubuntu", "debian"
 * @property {string} version os-release's VERSION_ID
 * @property {string} codename os-release's VERSION_CODENAME
 * @property {string} name a name for people
 * @property {boolean} root
 * @property {boolean} mayInstall false with PETALGRAD_NO_INSTALL set
 * @property {string[]} sources texts of apt's source files
 * @property {Record<string, string>} loaderVariables variables that hold the Vulkan loader to certain drivers
 * @property {boolean} nvidia an NVIDIA device node is there
 */

/**
 * @typedef {object} Plan
 * @property {string} what the packages in words
 * @property {string[]} commands for a person, in order
 * @property {boolean} runnable true where set-up runs the plan itself
 * @property {string} [backports] a line for a new apt source file, where one is needed
 * @property {string[]} [install] words of the apt-get call
 * @property {string} [note] what to know beside the commands
 */

const BACKPORTS_FILE = "/etc/apt/sources.list.d/petalgrad-backports.list";

/** @returns {System} */
export function describeSystem() {
  /** @type {Record<string, string>} */
  const release = {};
  if (existsSync("/etc/os-release")) {
    for (const line of readFileSync("/etc/os-release", "utf8").split("\n")) {
      const [, key, value] = /^([A-Z_]+)=["']?(.*?)["']?$/.exec(line) ?? [];
      if (key) release[key] = value ?? "";
    }
  }
  const variables = ["VK_DRIVER_FILES", "VK_ICD_FILENAMES", "VK_LOADER_DRIVERS_SELECT", "VK_LOADER_DRIVERS_DISABLE"];
  return {
    platform: process.platform,
    ids: [release.ID ?? "", ...(release.ID_LIKE ?? "").split(" ")].filter(Boolean),
    version: release.VERSION_ID ?? "",
    codename: release.VERSION_CODENAME ?? "",
    name: release.PRETTY_NAME ?? process.platform,
    root: process.getuid?.() === 0,
    mayInstall: !process.env.PETALGRAD_NO_INSTALL,
    sources: aptSources(),
    loaderVariables: Object.fromEntries(variables.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : []))),
    nvidia: existsSync("/dev/nvidiactl"),
  };
}

function aptSources() {
  const folder = "/etc/apt/sources.list.d";
  const names = existsSync(folder) ? readdirSync(folder).filter((name) => /\.(list|sources)$/.test(name)) : [];
  return ["/etc/apt/sources.list", ...names.map((name) => join(folder, name))]
    .filter((file) => existsSync(file))
    .map((file) => readFileSync(file, "utf8"));
}

/**
 * The one-line apt source for `codename`-backports: "" where apt has it already, undefined where the mirror cannot be told.
 * It comes from the mirror (and its key) that the system's own packages come from.
 * @param {readonly string[]} sources texts of apt's source files, one-line or deb822
 * @param {string} codename
 * @returns {string | undefined}
 */
export function backportsSource(sources, codename) {
  const entries = sources.flatMap((text) => [...oneLineEntries(text), ...stanzaEntries(text)]);
  const binary = entries.filter((entry) => entry.components.includes("main"));
  if (binary.some((entry) => entry.suites.includes(`${codename}-backports`))) return "";
  const base = binary.find((entry) => entry.suites.includes(codename));
  if (!base) return undefined;
  return `deb ${base.key ? `[signed-by=${base.key}] ` : ""}${base.uri} ${codename}-backports main`;
}

/** @param {string} text */
function oneLineEntries(text) {
  return [...text.matchAll(/^deb\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)\s+(.+)$/gm)].map(
    ([, options = "", uri = "", suite = "", rest = ""]) => ({
      uri,
      suites: [suite],
      components: rest.trim().split(/\s+/),
      key: /signed-by=(\S+)/.exec(options)?.[1],
    }),
  );
}

/** @param {string} text */
function stanzaEntries(text) {
  return text.split(/\n\s*\n/).flatMap((stanza) => {
    /** @param {string} name */
    const field = (name) => new RegExp(`^${name}:[ \\t]*(.+)$`, "im").exec(stanza)?.[1]?.trim();
    const uri = field("URIs")?.split(/\s+/)[0];
    if (!uri || !field("Types")?.split(/\s+/).includes("deb") || /^no$/i.test(field("Enabled") ?? "")) return [];
    const key = field("Signed-By");
    return [
      {
        uri,
        suites: (field("Suites") ?? "").split(/\s+/),
        components: (field("Components") ?? "").split(/\s+/),
        key: key?.startsWith("/") ? key : undefined,
      },
    ];
  });
}

/**
 * @param {System} system
 * @param {Probe} probe why there is no adapter
 * @returns {Plan}
 */
export function installPlan(system, probe) {
  /** @param {string} id */
  const is = (id) => system.ids.includes(id);
  if (system.platform === "darwin") {
    return manual(
      "Metal",
      [],
      "petalgrad uses Metal, a part of macOS: update macOS. Over a remote login without a screen, Metal may hide the GPU.",
    );
  }
  if (system.platform === "win32") {
    const note = "petalgrad uses Direct3D 12, a part of Windows 10 and 11: update Windows and the graphics driver (the maker's own).";
    return manual("Direct3D 12", [], note);
  }
  if (is("alpine")) {
    const note = "npm's webgpu is built for glibc, which Alpine lacks: use a Debian, Ubuntu or Fedora image instead.";
    return manual("Mesa", ["apk add mesa-vulkan-swrast vulkan-loader"], note);
  }
  const sudo = system.root ? "" : "sudo ";
  if (is("debian") || is("ubuntu")) return debianPlan(system, probe, sudo);
  if (is("fedora") || is("rhel")) return manual("Mesa", [`${sudo}dnf install mesa-vulkan-drivers vulkan-loader`]);
  if (is("arch")) return manual("Mesa", [`${sudo}pacman -S vulkan-swrast vulkan-icd-loader`]);
  if (is("suse") || is("opensuse")) return manual("Mesa", [`${sudo}zypper install libvulkan_lvp libvulkan1`]);
  return manual("Mesa", [], "Install Mesa 24 or newer with its lavapipe (software) Vulkan driver, and the Vulkan loader (libvulkan.so.1).");
}

/**
 * @param {string} what
 * @param {string[]} commands
 * @param {string} [note]
 * @returns {Plan}
 */
function manual(what, commands, note) {
  return { what, commands, runnable: false, note };
}

/**
 * Debian 12's own Mesa (22.3) is too old for Dawn; the one in its backports is not.
 * @param {System} system
 * @param {Probe} probe
 * @param {string} sudo
 * @returns {Plan}
 */
function debianPlan(system, probe, sudo) {
  const fromBackports = system.codename === "bookworm";
  const backports = fromBackports ? backportsSource(system.sources, system.codename) : "";
  const words = [
    "install",
    "-y",
    "--no-install-recommends",
    ...(fromBackports ? ["-t", "bookworm-backports"] : []),
    "mesa-vulkan-drivers",
    "libvulkan1",
  ];
  const commands = [`${sudo}apt-get update`, `${sudo}apt-get ${words.join(" ")}`];
  if (backports) commands.unshift(`echo "${backports}" | ${sudo}tee ${BACKPORTS_FILE}`);
  // Where the loader is held to other drivers, or Dawn does not load at all, an installed driver changes nothing.
  const useful = probe.kind === "none" && Object.keys(system.loaderVariables).length === 0;
  return {
    what: fromBackports ? "Mesa from bookworm-backports" : "Mesa",
    commands,
    runnable: system.root && system.mayInstall && useful && backports !== undefined,
    backports,
    install: words,
    note:
      backports === undefined ? "First add bookworm-backports to apt's sources; its mirror could not be told from /etc/apt." : undefined,
  };
}

/** Where a browser that the studio's tests can use lies, if there is one. */
export const findBrowser = () =>
  ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find((file) => existsSync(file));

/**
 * Programs that start ranks, by the family of their MPI library, as Debian names them.
 * @returns {{ "Open MPI": string | undefined, MPICH: string | undefined }}
 */
export function findMpirun() {
  const found = (/** @type {string} */ file) => (existsSync(file) ? file : undefined);
  return { "Open MPI": found("/usr/bin/mpirun.openmpi"), MPICH: found("/usr/bin/mpirun.mpich") };
}

/**
 * Both MPI libraries with their launchers, for the tests of several ranks.
 * @param {System} system
 */
export const mpiPlan = (system) => packagesPlan(system, "Open MPI and MPICH", ["openmpi-bin", "libopenmpi3", "mpich", "libmpich12"]);

/**
 * Chromium for the studio's tests. Ubuntu's package of that name is a snap, which does not run everywhere.
 * @param {System} system
 */
export const browserPlan = (system) => packagesPlan(system, "chromium", ["chromium"]);

/**
 * Packages of Debian, by its names for them.
 * @param {System} system
 * @param {string} what
 * @param {string[]} packages
 * @returns {Plan}
 */
function packagesPlan(system, what, packages) {
  const debian = system.ids[0] === "debian";
  const install = ["install", "-y", "--no-install-recommends", ...packages];
  const sudo = system.root ? "" : "sudo ";
  const commands = debian ? [`${sudo}apt-get update`, `${sudo}apt-get ${install.join(" ")}`] : [];
  return { what, commands, runnable: debian && system.root && system.mayInstall, install };
}

/**
 * What is wrong and what to do, for the terminal.
 * @param {System} system
 * @param {Probe} probe
 * @param {Plan} plan
 */
export function adapterAdvice(system, probe, plan) {
  if (probe.kind === "package") {
    return `${probe.reason}\nIt needs Linux with glibc 2.34 or newer (Debian 12, Ubuntu 22.04), macOS or Windows, on x64 or arm64; this is ${system.name}.`;
  }
  const lines = [`no GPU adapter found on ${system.name}:`, ...(probe.reason ?? "").split("\n").map((line) => `  ${line}`)];
  const held = Object.entries(system.loaderVariables);
  if (held.length > 0) {
    lines.push(
      `The Vulkan loader looks only where ${held.map(([name, value]) => `${name}=${value}`).join(", ")} points: unset it, or name a driver there.`,
    );
    return lines.join("\n");
  }
  if (system.nvidia) {
    lines.push("An NVIDIA GPU is here, but not its Vulkan driver. In a container, start it with NVIDIA_DRIVER_CAPABILITIES=all.");
  }
  if (probe.kind === "crash") lines.push("Update or reinstall the driver. A software driver works everywhere:");
  else if (plan.commands.length > 0) lines.push(`Install a Vulkan driver (${plan.what} works without a GPU), then try again:`);
  lines.push(...plan.commands.map((command) => `  ${command}`));
  if (plan.note) lines.push(plan.note);
  return lines.join("\n");
}

/**
 * Runs an apt plan, as root.
 * @param {Plan} plan
 * @param {(line: string) => void} report told of each command before it runs
 * @returns {string | undefined} what failed, with the end of its output
 */
export function runPlan(plan, report) {
  if (plan.backports) {
    report(plan.commands[0] ?? "");
    writeFileSync(BACKPORTS_FILE, `${plan.backports}\n`);
  }
  for (const words of [["update"], plan.install ?? []]) {
    report(`apt-get ${words.join(" ")}`);
    const result = spawnSync("apt-get", words, {
      encoding: "utf8",
      env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
      stdio: ["ignore", "pipe", "pipe"],
      maxBuffer: 2 ** 26,
    });
    if (result.status !== 0) {
      const tail = `${result.stdout ?? ""}${result.stderr ?? ""}`.trim().split("\n").slice(-8).join("\n");
      return `apt-get ${words[0]} failed:\n${result.error?.message ?? tail}`;
    }
  }
  return undefined;
}
