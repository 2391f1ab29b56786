/** What is to be said of a sentence before an encoder reads it: that it says nothing, or more than the encoder reads. */
import type { Symbols } from "../../data/symbols.js";
import { UserError } from "../../errors.js";

/** Characters of a sentence that a message repeats. */
const SHOWN = 60;

/** @throws UserError for blanks only, and for what has no symbol to an encoder of words */
export function refuseBlank(text: string, symbols: Symbols): void {
  const blank = !/[^\p{Z}\p{Cc}\p{Cf}]/u.test(text);
  if (blank) throw new UserError(`the sentence ${JSON.stringify(text)} is blank: write what is to be drawn`);
  if (symbols.lengthOf(text, 1) === 0)
    throw new UserError(`the sentence ${JSON.stringify(text)} holds no ${symbols.unit}: write what is to be drawn`);
}

/** Is a text longer than the encoder reads? @param length Symbols that it reads. */
export const isCut = (text: string, symbols: Symbols, length: number): boolean => symbols.lengthOf(text, length + 1) > length;

/** A warning where the encoder will not read a sentence to its end. */
export function cutNote(text: string, symbols: Symbols, length: number): string | undefined {
  if (!isCut(text, symbols, length)) return undefined;
  const characters = [...text];
  const shown = characters.length > SHOWN ? `${characters.slice(0, SHOWN).join("")}...` : text;
  return `"${shown}" is longer than the ${length} ${symbols.unit} that the text encoder reads: it is cut there, and the rest has no effect`;
}

/** A warning where an encoder will not read some captions to their end. */
export function cutCaptionsNote(captions: readonly string[], symbols: Symbols, length: number): string | undefined {
  const cut = captions.filter((caption) => isCut(caption, symbols, length)).length;
  if (cut === 0) return undefined;
  return `${cut} of ${captions.length} captions are longer than the ${length} ${symbols.unit} that the encoder reads, and are cut there`;
}
