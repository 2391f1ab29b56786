/** What went wrong, in one sentence for the person before the page that says what to do. */
import { DeviceLostError, LimitError, NonFiniteError, UserError } from "../../src/errors.js";

/** Where the page cannot compute at all. */
export const NO_WEBGPU = "This browser has no WebGPU: use a current Chrome, Edge, Firefox or Safari, over https or on this very computer.";
const NO_ADAPTER =
  "The browser found no graphics adapter it may use: update the graphics driver, or turn on hardware acceleration in the browser's settings.";

/** A sentence for any failure; never a stack. */
export function sentenceFor(error: unknown): string {
  if (error instanceof DeviceLostError) return "The graphics device was lost (the driver was restarted, or memory ran out): try again.";
  if (error instanceof LimitError) return `This graphics adapter is too small for it: ${error.message}.`;
  if (error instanceof UserError && error.message.startsWith("no GPU adapter found"))
    return (globalThis.navigator as Partial<Navigator> | undefined)?.gpu ? NO_ADAPTER : NO_WEBGPU;
  if (error instanceof UserError || error instanceof NonFiniteError) return capitalised(error.message);
  if (error instanceof DOMException && error.name === "QuotaExceededError")
    return "The browser's storage for this page is full: delete runs, or free disk space.";
  if (error instanceof RangeError && /memory|allocation/i.test(error.message))
    return "The browser gave no more memory: close other tabs, or take a smaller preset.";
  return capitalised(error instanceof Error ? error.message : String(error));
}

const capitalised = (text: string): string => (/^[a-z]+ /.test(text) ? text[0]!.toUpperCase() + text.slice(1) : text);
