/** The errors that petalgrad raises on purpose. Each message is one line that names the thing and, where there is one, the way out. */

/** Something the user gave or lacks (a flag, a file, a driver): shown as one line, exit code 1, never with a stack trace. */
export class UserError extends Error {
  override readonly name: string = "UserError";
}

/** What an error says, on one line: what parsers say may quote several lines of the file. */
export function reasonOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).replace(/\s*[\r\n]+\s*/g, " ");
}

/** Shapes that do not fit an operation; raised where the expression is built. */
export class ShapeError extends UserError {
  override readonly name = "ShapeError";
}

/** WGSL that does not compile or a pipeline the adapter refuses: names the kernel and prints its numbered source. */
export class KernelError extends Error {
  override readonly name = "KernelError";
}

/** A tensor or program that needs more than the adapter's limits allow. */
export class LimitError extends UserError {
  override readonly name = "LimitError";
}

/** The GPU device is gone (driver reset, unplugged, destroyed); nothing on it can be read any more. */
export class DeviceLostError extends Error {
  override readonly name = "DeviceLostError";
}

/** A program or store that was destroyed on purpose, and is used all the same. */
export class DestroyedError extends UserError {
  override readonly name = "DestroyedError";
}

/** A loss or gradient became NaN or infinite. */
export class NonFiniteError extends UserError {
  override readonly name = "NonFiniteError";
}
