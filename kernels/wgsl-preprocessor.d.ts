/** The package ships no types, and names no main file: it is imported by its path. */
declare module "wgsl-preprocessor/wgsl-preprocessor.js" {
  /** Template tag: `#if ${condition} ... #elif ${condition} ... #else ... #endif`, resolved when the string is made. */
  export function wgsl(strings: TemplateStringsArray, ...values: unknown[]): string;
}
