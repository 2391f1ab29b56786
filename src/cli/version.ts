/** The version of this package, and of those it stands on. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

/** From the nearest package.json that is ours: the source and the built file lie at different depths. */
export function packageVersion(): string {
  for (const up of ["../..", "../../.."]) {
    const version = versionIn(new URL(`${up}/package.json`, import.meta.url), "petalgrad");
    if (version) return version;
  }
  return "unknown";
}

/** The version of an installed package, or undefined where it is not installed. */
export function dependencyVersion(name: string): string | undefined {
  const require = createRequire(import.meta.url);
  for (const folder of require.resolve.paths(name) ?? []) {
    const version = versionIn(join(folder, name, "package.json"), name);
    if (version) return version;
  }
  return undefined;
}

function versionIn(file: URL | string, name: string): string | undefined {
  try {
    const json = JSON.parse(readFileSync(file, "utf8")) as { name?: string; version?: string };
    return json.name === name ? json.version : undefined;
  } catch {
    return undefined;
  }
}
