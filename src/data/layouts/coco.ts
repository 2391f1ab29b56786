/** MS-COCO captions (Chen et al. 2015): annotations/captions_{train,val}20xx.json beside train20xx/ and val20xx/. */
import { DataError, type SplitName } from "../dataset.js";
import { imageFinder, type Layout, type OwnImage, textsIn } from "./layout.js";

const ANNOTATIONS = /(?:^|\/)captions_(train|val)(20\d\d)\.json$/;

interface Annotations {
  readonly images: readonly { readonly id: number | string; readonly file_name: string }[];
  readonly annotations: readonly { readonly image_id: number | string; readonly caption: unknown }[];
}

export const coco: Layout = {
  name: "coco",
  lacking: "no captions_train20xx.json",
  example: [
    "train2017/1.jpg",
    'annotations/captions_train2017.json   {"images": [{"id": 1, "file_name": "1.jpg"}], "annotations": [{"image_id": 1, "caption": "a red rose"}]}',
  ],
  signs: (files) => files.filter((path) => ANNOTATIONS.test(path)),
  async read(contents, signs) {
    const skipped: { file: string; reason: string }[] = [];
    // 2014 and 2017 are the same images.
    const year = signs
      .map((path) => ANNOTATIONS.exec(path)![2]!)
      .sort()
      .at(-1)!;
    const find = imageFinder(contents.files);
    const images: OwnImage[] = [];
    for await (const { path, text } of contents.texts(
      signs.filter((sign) => ANNOTATIONS.exec(sign)![2] === year),
      (one) => skipped.push(one),
    )) {
      const [, part] = ANNOTATIONS.exec(path)!;
      const { images: listed, annotations } = parse(text, path);
      const captions = new Map<number | string, string[]>();
      for (const { image_id, caption } of annotations) captions.set(image_id, [...(captions.get(image_id) ?? []), ...textsIn(caption)]);
      for (const { id, file_name } of listed) {
        const named = `${part}${year}/${file_name}`;
        images.push({
          path: find(named) ?? named,
          captions: captions.get(id) ?? [],
          part: ({ train: "train", val: "test" } as const)[part as "train" | "val"] satisfies SplitName,
        });
      }
    }
    return { images, skipped, notes: [] };
  },
};

/** @throws DataError */
function parse(text: string, path: string): Annotations {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw new DataError(`${path} is no JSON: fetch it again`);
  }
  const { images, annotations } = (json ?? {}) as Partial<Annotations>;
  const sound =
    Array.isArray(images) &&
    Array.isArray(annotations) &&
    images.every((one: unknown) => isObject(one) && typeof one["file_name"] === "string") &&
    annotations.every((one: unknown) => isObject(one));
  if (!sound)
    throw new DataError(`${path} is not as COCO's: it lacks the lists "images" (id, file_name) and "annotations" (image_id, caption)`);
  return json as Annotations;
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === "object" && value !== null;
