/** The table of docs/results/text-encoders.md: seeds averaged, chance first, what an encoder cannot do left open. */
import { expect, it } from "vitest";
import { averaged, markdown } from "../../bench/text-encoder-table.js";
import type { EncoderReport, TextReport } from "../../src/evaluate/text-encoders.js";

const recall = (share: number) => ({ 1: share / 10, 5: share / 2, 10: share });
const encoder = (name: string, top1?: number): EncoderReport =>
  ({
    ...{ file: `${name}.safetensors`, name, captionToCaption: recall(0.3) },
    ...(top1 !== undefined && { zeroShot: { top1, ap50: 0.25 }, captionToImage: recall(0.1), imageToCaption: recall(0.2) }),
  }) as EncoderReport;
const report = (...encoders: EncoderReport[]): TextReport => {
  const chance = {
    zeroShot: { top1: 0.05, ap50: 0.05 },
    captionToImage: recall(0.01),
    imageToCaption: recall(0.02),
    captionToCaption: recall(0.01),
  };
  return { dataset: "flowers", language: "fa", encoders, chance } as unknown as TextReport;
};

it("averages seeds, and counts a file once", () => {
  const first = report(encoder("char-1", 0.3), encoder("bag", 0.2), encoder("blind"));
  const second = report(encoder("char-2", 0.4), encoder("bag", 0.2));
  const rows = averaged([first, second].flatMap((r) => r.encoders.map((e) => ({ report: r, encoder: e }))));
  expect(rows.map(({ name, count }) => [name, count])).toEqual([
    ["chance", 1],
    ["char", 2],
    ["bag", 1],
    ["blind", 1],
  ]);
  const lines = markdown(rows).split("\n");
  expect(lines[2]).toBe("| flowers (fa) | chance | 5.0 | 5.0 | 1.0 | 2.0 | 1.0 |");
  expect(lines[3]).toBe("| flowers (fa) | char (2 seeds) | 35.0 ± 7.1 | 25.0 | 10.0 | 20.0 | 30.0 |");
  expect(lines[5]).toBe("| flowers (fa) | blind | – | – | – | – | 30.0 |");
});
