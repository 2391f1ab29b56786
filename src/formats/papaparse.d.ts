/** What is used of Papa Parse: its published types bring Node's, which the core must not see. */
declare module "papaparse" {
  interface ParseConfig {
    readonly delimiter: string;
    readonly skipEmptyLines: boolean;
    /** Quotes are characters as any other. */
    readonly fastMode?: boolean;
  }
  interface ParseError {
    readonly type: "Quotes" | "Delimiter" | "FieldMismatch";
    readonly code: string;
    /** From 0. */
    readonly row: number;
  }
  const Papa: { parse(text: string, config: ParseConfig): { readonly data: string[][]; readonly errors: readonly ParseError[] } };
  export default Papa;
}
