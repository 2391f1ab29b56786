/**
 * The globals that every runtime has, be it Node, Deno, Bun, a page or a worker: all that the core may use beside the language. Only
 * tsconfig.core.json reads this file, which compiles the core without Node's types and without the DOM's.
 */

interface ImportMeta {
  readonly url: string;
}

type BufferSource = ArrayBufferView<ArrayBuffer> | ArrayBuffer;

interface Event {
  readonly type: string;
}

interface EventTarget {
  addEventListener(type: string, listener: (event: Event) => void): void;
  removeEventListener(type: string, listener: (event: Event) => void): void;
}

interface AbortSignal extends EventTarget {
  readonly aborted: boolean;
  readonly reason: unknown;
  throwIfAborted(): void;
}
declare const AbortSignal: {
  abort(reason?: unknown): AbortSignal;
  any(signals: readonly AbortSignal[]): AbortSignal;
  timeout(milliseconds: number): AbortSignal;
};
declare class AbortController {
  readonly signal: AbortSignal;
  abort(reason?: unknown): void;
}

declare class TextEncoder {
  encode(text: string): Uint8Array<ArrayBuffer>;
}
declare class TextDecoder {
  constructor(label?: string, options?: { readonly fatal?: boolean; readonly ignoreBOM?: boolean });
  decode(bytes?: ArrayBufferView | ArrayBuffer, options?: { readonly stream?: boolean }): string;
}

declare var crypto: {
  readonly subtle: { digest(algorithm: "SHA-256", bytes: BufferSource): Promise<ArrayBuffer> };
  getRandomValues<T extends ArrayBufferView>(array: T): T;
};

declare var performance: { now(): number };
declare function setTimeout(run: (value?: unknown) => void, milliseconds?: number): unknown;
declare function clearTimeout(timer: unknown): void;
declare function queueMicrotask(run: () => void): void;
declare function structuredClone<T>(value: T): T;
