/**
 * An MPI library of the machine, called through koffi. The two families differ in what a handle is: Open MPI's are addresses of objects in
 * the library, MPICH's (and Intel's, MVAPICH's, Cray's) are numbers of its mpi.h.
 */
import type koffiFace from "koffi";
import { reasonOf, UserError } from "../../errors.js";
import type { Family } from "./launcher.js";

/** What a C function takes here: whole numbers, handles and addresses (bigint), memory. */
type Argument = number | bigint | ArrayBufferView | null;
type Call = (...given: Argument[]) => number;

/** Handles and constants, as the library's own calls want them. */
export interface Handles {
  readonly world: number | bigint;
  readonly byte: number | bigint;
  readonly float: number | bigint;
  readonly sum: number | bigint;
  readonly errorsReturn: number | bigint;
  /** MPI_IN_PLACE and MPI_STATUS_IGNORE. */
  readonly inPlace: bigint;
  readonly ignoreStatus: bigint;
}

/** What the product calls, by the names of MPI without their prefix. */
const FUNCTIONS = {
  Init_thread: "int MPI_Init_thread(void *, void *, int, void *)",
  Comm_size: "int MPI_Comm_size(HANDLE, void *)",
  Comm_rank: "int MPI_Comm_rank(HANDLE, void *)",
  Comm_set_errhandler: "int MPI_Comm_set_errhandler(HANDLE, HANDLE)",
  Error_string: "int MPI_Error_string(int, void *, void *)",
  Iallreduce: "int MPI_Iallreduce(void *, void *, int, HANDLE, HANDLE, HANDLE, void *)",
  Ibcast: "int MPI_Ibcast(void *, int, HANDLE, int, HANDLE, void *)",
  Iallgather: "int MPI_Iallgather(void *, int, HANDLE, void *, int, HANDLE, HANDLE, void *)",
  Iallgatherv: "int MPI_Iallgatherv(void *, int, HANDLE, void *, void *, void *, HANDLE, HANDLE, void *)",
  Ialltoall: "int MPI_Ialltoall(void *, int, HANDLE, void *, int, HANDLE, HANDLE, void *)",
  Ibarrier: "int MPI_Ibarrier(HANDLE, void *)",
  Test: "int MPI_Test(void *, void *, void *)",
  Abort: "int MPI_Abort(HANDLE, int)",
  Finalize: "int MPI_Finalize()",
} as const;

/** A loaded library. */
export interface MpiLibrary {
  readonly file: string;
  /** Its first line about itself: "Open MPI v4.1.4, ...". */
  readonly version: string;
  readonly family: Family;
  readonly handles: Handles;
  readonly call: Readonly<Record<keyof typeof FUNCTIONS, Call>>;
}

/** koffi, which is an optional dependency. @throws UserError where it is not installed */
async function loadKoffi(): Promise<typeof koffiFace> {
  try {
    return (await import("koffi")).default;
  } catch {
    throw new UserError("work on several ranks needs the package koffi, which is not installed: run `npm install koffi`");
  }
}

/**
 * Loads the first of the files that is there.
 * @param onlyLook Where it is not going to be used: then several may be loaded one after the other.
 * @returns undefined where there is none
 * @throws UserError for a file that is no MPI library, and where koffi is missing
 */
export async function loadLibrary(files: readonly string[], onlyLook = false): Promise<MpiLibrary | undefined> {
  const koffi = await loadKoffi();
  // MPICH's asynchronous parts run beyond koffi's small stacks; may be said once only, before anything is loaded.
  if (!configured) koffi.config({ async_stack_size: 2 << 20 });
  configured = true;
  // UCX, on which Debian's MPICH stands, patches the code of mmap when it loads, which a process with as many threads as Node, Dawn and a
  // driver have may not survive; and it takes over signals that V8 uses. It reads these once.
  process.env.UCX_MEM_MMAP_HOOK_MODE ??= "none";
  process.env.UCX_ERROR_SIGNALS ??= "SIGILL,SIGBUS,SIGFPE";
  for (const file of files) {
    let library: ReturnType<typeof koffi.load>;
    try {
      library = koffi.load(file, { global: !onlyLook });
    } catch (error) {
      if (files.length === 1 && /[\\/]/.test(file)) throw new UserError(`${file} cannot be loaded: ${reasonOf(error)}`);
      continue;
    }
    const version = versionOf(library, file);
    const family: Family = version.startsWith("Open MPI") ? "Open MPI" : "MPICH";
    const handle = family === "Open MPI" ? "intptr" : "int";
    const call = Object.fromEntries(
      Object.entries(FUNCTIONS).map(([name, definition]) => [name, library.func(definition.replaceAll("HANDLE", handle)) as Call]),
    ) as MpiLibrary["call"];
    return { file, version, family, handles: family === "Open MPI" ? openMpi((name) => library.symbol(name) as bigint) : MPICH, call };
  }
  return undefined;
}

let configured = false;

function versionOf(library: { func(definition: string): unknown }, file: string): string {
  try {
    const [text, length] = [new Uint8Array(8192), new Int32Array(1)];
    (library.func("int MPI_Get_library_version(void *, void *)") as Call)(text, length);
    return new TextDecoder().decode(text.subarray(0, length[0])).replace(/\0+$/, "").trim().split("\n")[0]!.replace(/\s+/g, " ");
  } catch {
    throw new UserError(`${file} is no MPI library`);
  }
}

function openMpi(symbol: (name: string) => bigint): Handles {
  return {
    world: symbol("ompi_mpi_comm_world"),
    byte: symbol("ompi_mpi_byte"),
    float: symbol("ompi_mpi_float"),
    sum: symbol("ompi_mpi_op_sum"),
    errorsReturn: symbol("ompi_mpi_errors_return"),
    inPlace: 1n,
    ignoreStatus: 0n,
  };
}

/** As mpi.h of MPICH 4.0 has them; the families' agreement (the MPICH ABI initiative) keeps them. */
const MPICH: Handles = {
  world: 0x44000000,
  byte: 0x4c00010d,
  float: 0x4c00040a,
  sum: 0x58000003,
  errorsReturn: 0x54000001,
  inPlace: -1n,
  ignoreStatus: 1n,
};
