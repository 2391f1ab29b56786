/** The forms in which people keep captioned images: `--layout`. What each is stands in `src/data/layouts/`. */
export const LAYOUT_NAMES = ["reed", "coco", "parquet", "webdataset", "imagefolder", "flickr", "beside", "folders"] as const;
export type LayoutName = (typeof LAYOUT_NAMES)[number];
