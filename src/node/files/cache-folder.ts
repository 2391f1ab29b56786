/** The user's cache folder as a store, for what runs keep for later ones. */
import { defaultCacheDir } from "../datasets/open.js";
import { FolderStore } from "./folder-store.js";

/** $PETALGRAD_CACHE, or petalgrad/ in the user's cache folder, as it is set now. */
export const cacheFolder = (): FolderStore => new FolderStore(defaultCacheDir());
