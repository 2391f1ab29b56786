/** The names of inputs that are made or read while a program is being built. */

let names: Set<string> | undefined;

/** Calls `build` and returns its result with the names of all inputs that it made or used. */
export function namingInputs<R>(build: () => R): { result: R; inputs: ReadonlySet<string> } {
  const outer = names;
  const inputs = (names = new Set<string>());
  try {
    return { result: build(), inputs };
  } finally {
    names = outer;
  }
}

/** Called for every input that is made or read: one that the outputs turn out not to need may be given all the same. */
export function nameInput(name: string): void {
  names?.add(name);
}
