/** Where the studio's page lies, built: in the clone and in the package. */
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { typed } from "../../command-line.js";
import { UserError } from "../../errors.js";

/** The folder dist/studio. @throws UserError where the page was not built */
export function pageFolder(): string {
  // A clone runs its TypeScript; its own folder `studio` holds sources.
  const inClone = import.meta.url.endsWith(".ts");
  const folder = fileURLToPath(new URL(inClone ? "../../../dist/studio" : "../../../studio", import.meta.url));
  if (!existsSync(`${folder}/index.html`)) {
    const way = inClone ? `build it: ${typed("build:studio")}` : "the package is not whole; install it again";
    throw new UserError(`the studio's page is not in ${folder}: ${way}`);
  }
  return folder;
}
