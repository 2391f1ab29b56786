/** The package ships no types. */
declare module "wgsl-preprocessor/wgsl-preprocessor.js" {
  /** Template tag with #if / #elif / #else / #endif, each condition a template expression. */
  export function wgsl(strings: TemplateStringsArray, ...values: (string | number | boolean)[]): string;
}
