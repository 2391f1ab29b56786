/** Builds the page into dist/studio: relative addresses only, so that it works from any sub-path of any static host. */
import { fileURLToPath } from "node:url";
import { defineConfig, type Plugin } from "vite";

/** Rooms are fetched when they are entered, and the page has one style sheet: there is nothing to fetch ahead of them (1 kB). */
const withoutPreload: Plugin = {
  name: "without-preload",
  enforce: "pre",
  load: (id) => (id.includes("vite/preload-helper") ? "export const __vitePreload = (load) => load();" : undefined),
};

export default defineConfig({
  plugins: [withoutPreload],
  root: fileURLToPath(new URL(".", import.meta.url)),
  base: "./",
  cacheDir: fileURLToPath(new URL("../node_modules/.vite-studio", import.meta.url)),
  build: {
    outDir: fileURLToPath(new URL("../dist/studio", import.meta.url)),
    emptyOutDir: true,
    target: "es2023",
    // The content security policy allows no inline data but pictures.
    assetsInlineLimit: 0,
    modulePreload: false,
    cssCodeSplit: false,
    reportCompressedSize: false,
  },
  worker: {
    format: "es",
    rolldownOptions: {
      output: {
        // One file for what every thread computes with: many small ones shrink less.
        codeSplitting: {
          groups: [
            {
              name: "engine",
              test: /\/(?:kernels|src\/(?:[a-z-]+\.ts|random|formats|gpu|tensor|autograd|models|train\/gan\/(?:gan|model-file|options|painter|resolve-options))|@noble)\b/,
            },
          ],
        },
      },
    },
  },
});
