/** What the file system says, in words for a person. */
import { getSystemErrorMap } from "node:util";

const WORDS: Readonly<Record<string, string>> = {
  EACCES: "permission denied",
  EPERM: "permission denied",
  EROFS: "the file system is read-only",
  ENOENT: "there is no such file or folder",
  ENOTDIR: "a part of the path is a file, where a folder is wanted",
  EISDIR: "it is a folder, where a file is wanted",
  ENOSPC: "the disk is full",
  EDQUOT: "the disk is full",
  EMFILE: "too many files are open",
  ENFILE: "too many files are open",
  EIO: "the disk does not answer",
};

/** "permission denied (EACCES)"; undefined for an error that is none of the system's. */
export function fileProblem(error: unknown): string | undefined {
  const { code, errno, syscall } = (error ?? {}) as NodeJS.ErrnoException;
  if (code === undefined || syscall === undefined) return undefined;
  const words = WORDS[code] ?? (errno === undefined ? undefined : getSystemErrorMap().get(errno)?.[1]);
  return words === undefined ? undefined : `${words} (${code})`;
}

/** The same, or the error's own message. */
export const fileProblemOr = (error: unknown): string => fileProblem(error) ?? (error as Error).message;
