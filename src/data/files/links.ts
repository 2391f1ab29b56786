/** Hard and symbolic links of an archive, followed inside it as unpacking would; nothing outside it is ever read. */

/** Links on the way from one name to its file before it counts as a circle. */
const MOST_HOPS = 40;
/** Names that links may add to an archive. */
const MOST_NAMES = 1_000_000;

/** What an archive's links stand for. */
export interface FollowedLinks {
  /** Names that links give to a file, by the path of its entry. */
  readonly names: ReadonlyMap<string, readonly string[]>;
  /** Links to what is not in the archive. */
  readonly dead: readonly string[];
}

/** A link's target from the archive's root; undefined where it leads out of the archive. */
export function targetInside(link: string, target: string): string | undefined {
  if (target.startsWith("/")) {
    return undefined;
  }
  const parts = link.split("/").slice(0, -1);
  for (const part of target.split("/")) {
    if (part === ".." && parts.pop() === undefined) {
      return undefined;
    }
    if (part !== ".." && part !== "." && part !== "") {
      parts.push(part);
    }
  }
  return parts.join("/");
}

/**
 * Follows links to files, and to folders, whose files then have a name through the link too. A link to a folder that it lies in is not walked.
 * @param files Paths of the archive's files.
 * @param links Targets of its links, from the root; undefined for those that lead out of it.
 * @throws Error where links make more names than any data set has.
 */
export function followLinks(files: ReadonlySet<string>, links: ReadonlyMap<string, string | undefined>): FollowedLinks {
  const names = new Map<string, string[]>();
  const dead: string[] = [];
  let count = 0;
  const add = (file: string, name: string): void => {
    if (++count > MOST_NAMES) {
      throw new Error(`its links make more than ${MOST_NAMES} files of what it holds`);
    }
    const others = names.get(file);
    if (others) others.push(name);
    else names.set(file, [name]);
  };
  /** Every name of a file that needs no link to a folder, and the entry it stands for; sorted, so that a folder's are in a row. */
  const plain = [...files].map((path) => ({ name: path, file: path }));
  const folders: { link: string; target: string }[] = [];
  for (const link of links.keys()) {
    const target = resolveLink(link, links);
    if (target === undefined) {
      dead.push(link);
    } else if (files.has(target)) {
      plain.push({ name: link, file: target });
      add(target, link);
    } else {
      folders.push({ link, target });
    }
  }
  plain.sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const { link, target } of folders) {
    if (target === "" || `${link}/`.startsWith(`${target}/`)) {
      continue;
    }
    let at = firstFrom(plain, `${target}/`);
    if (!plain[at]?.name.startsWith(`${target}/`)) {
      dead.push(link);
    }
    for (; plain[at]?.name.startsWith(`${target}/`); at++) {
      add(plain[at]!.file, link + plain[at]!.name.slice(target.length));
    }
  }
  return { names, dead };
}

/** A path with every link in it replaced by its target; undefined where one leads out, or in a circle. */
function resolveLink(path: string, links: ReadonlyMap<string, string | undefined>): string | undefined {
  let done = "";
  const rest = path.split("/").reverse();
  for (let hops = 0; rest.length > 0;) {
    const next = done === "" ? rest.pop()! : `${done}/${rest.pop()!}`;
    if (!links.has(next)) {
      done = next;
      continue;
    }
    const target = links.get(next);
    if (target === undefined || ++hops > MOST_HOPS) {
      return undefined;
    }
    done = "";
    if (target !== "") {
      rest.push(...target.split("/").reverse());
    }
  }
  return done;
}

/** Index of the first name that is not before `from`. */
function firstFrom(sorted: readonly { name: string }[], from: string): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle]!.name < from) low = middle + 1;
    else high = middle;
  }
  return low;
}
