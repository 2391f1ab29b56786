/** MS-COCO's archives, of eight small pictures. */
import { zipSync } from "fflate";
import type { CocoRemotes } from "../../../src/node/datasets/coco.js";
import { picture } from "./picture-set.js";

const annotations = (ids: readonly number[], name: (id: number) => string): Uint8Array =>
  new TextEncoder().encode(
    JSON.stringify({
      images: ids.map((id) => ({ id, file_name: name(id) })),
      annotations: ids.flatMap((id) => Array.from({ length: 5 }, (_, i) => ({ image_id: id, caption: `caption ${i} of picture ${id}.` }))),
    }),
  );

/** The three archives of a year, of six images to train on and two to validate. */
export function cocoArchives(year: string, size = 8): Readonly<Record<keyof CocoRemotes, Uint8Array>> {
  const name = (part: string) => (id: number) => (year === "2014" ? `COCO_${part}2014_${id}.png` : `${id}.png`);
  const images = (part: string, ids: readonly number[]) =>
    zipSync(Object.fromEntries(ids.map((id) => [`${part}${year}/${name(part)(id)}`, new Uint8Array(picture(10 * id, size, size))])), {
      level: 0,
    });
  const [train, val] = [
    [1, 2, 3, 4, 5, 6],
    [7, 8],
  ];
  return {
    annotations: zipSync({
      [`annotations/captions_train${year}.json`]: annotations(train!, name("train")),
      [`annotations/captions_val${year}.json`]: annotations(val!, name("val")),
      [`annotations/instances_val${year}.json`]: new TextEncoder().encode("{"),
    }),
    train: images("train", train!),
    val: images("val", val!),
  };
}
