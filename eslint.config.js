/**
 * The rules that a machine can hold: no forgotten promise, no `any`, no circle of imports, dependencies that point one way
 * (docs/architecture.md), and an engine that knows neither Node nor the DOM. test/lint.test.ts shows that each of them bites.
 */
import { createNodeResolver, importX } from "eslint-plugin-import-x";
import tseslint from "typescript-eslint";

/**
 * The rooms of the house from the ground up: each may import those before it. What stands before `src/node` is the core, which runs in
 * a page as it is; what stands after it is for Node.
 */
const rooms = [
  "kernels",
  "src/random",
  "src/formats",
  "src/pictures",
  "src/gpu",
  "src/tensor",
  "src/autograd",
  "src/models",
  "src/data",
  "src/train/run",
  "src/train/text",
  "src/train/gan",
  "src/train/style",
  "src/drawing",
  "src/metrics",
  "src/evaluate",
  "src/node",
  "src/cli",
];
const core = rooms.slice(0, rooms.indexOf("src/node"));

/** Tiny files of src itself that every room above the kernels may import. */
const shared = ["./arguments.ts", "./errors.ts", "./option-spec.ts", "./command-line.ts"];
const faces = ["./src/index.ts", "./src/node/index.ts"];

const zones = rooms.flatMap((room, floor) => [
  ...rooms.slice(floor + 1).map((other) => ({
    target: `./${room}`,
    from: `./${other}`,
    message: `${room} may not import ${other}: dependencies point from cli down to kernels.`,
  })),
  ...["./test", "./bench", "./scripts", "./examples"].map((from) => ({
    target: `./${room}`,
    from,
    message: "The product may not import its tools.",
  })),
  { target: `./${room}`, from: "./studio", message: "The studio is a top of its own: nothing imports it." },
]);
for (const from of ["./src/node", "./src/cli", "./test", "./bench", "./scripts", "./examples"])
  zones.push({ target: "./studio", from, message: "The studio is a page: it stands on the core alone." });
zones.push(
  ...faces.map((from) => ({
    target: [...rooms, "studio"].map((room) => `./${room}`),
    from,
    message: "That file is for users of the package; import the file that defines the name.",
  })),
);
zones.push({
  target: shared.map((file) => file.replace("./", "./src/")),
  from: rooms.map((room) => `./${room}`),
  message: "A file that every room imports may import none.",
});
for (const from of ["./src/node", "./src/cli"])
  zones.push({ target: "./src/index.ts", from, message: "The face of the core shows nothing that needs Node." });
zones.push({ target: "./kernels", from: "./src", message: "Kernels know nothing of the rest of petalgrad." });

const nodeGlobals = ["process", "Buffer", "global", "require", "__dirname", "__filename", "setImmediate"];
const domGlobals = ["window", "document", "navigator", "self", "localStorage", "Image", "HTMLElement", "requestAnimationFrame"];

export default tseslint.config(
  { ignores: ["dist/", "node_modules/", "runs/", "data/", "docs/", "bench/peers/", "src/runtime.d.ts"] },
  { linterOptions: { reportUnusedDisableDirectives: "error" } },
  {
    files: ["**/*.{js,mjs}"],
    rules: { "no-undef": "off", "no-unused-vars": "error", "prefer-const": "error", eqeqeq: "error" },
  },
  {
    files: ["**/*.{ts,tsx}"],
    extends: [tseslint.configs.recommended],
    plugins: { "import-x": importX },
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    settings: {
      "import-x/resolver-next": [
        createNodeResolver({ extensionAlias: { ".js": [".ts", ".tsx", ".js"] }, extensions: [".ts", ".tsx", ".js"] }),
      ],
      "import-x/parsers": { "@typescript-eslint/parser": [".ts", ".tsx"] },
      "import-x/extensions": [".ts", ".tsx", ".js"],
    },
    rules: {
      eqeqeq: "error",
      "prefer-const": "error",
      "no-console": "off",
      "@typescript-eslint/no-explicit-any": "error",
      // An interface that only extends gives an inferred type a name in messages.
      "@typescript-eslint/no-empty-object-type": ["error", { allowInterfaces: "with-single-extends" }],
      "@typescript-eslint/no-floating-promises": "error",
      "@typescript-eslint/no-misused-promises": "error",
      "@typescript-eslint/await-thenable": "error",
      "@typescript-eslint/only-throw-error": "error",
      "@typescript-eslint/switch-exhaustiveness-check": ["error", { considerDefaultExhaustiveForUnions: true }],
      "@typescript-eslint/consistent-type-imports": "error",
      "@typescript-eslint/no-unused-vars": ["error", { argsIgnorePattern: "^_", varsIgnorePattern: "^_" }],
      "import-x/no-cycle": "error",
      "import-x/no-self-import": "error",
      "import-x/no-restricted-paths": ["error", { basePath: import.meta.dirname, zones }],
    },
  },
  {
    // The browser runs these files unchanged.
    files: [...core.map((room) => `${room}/**/*.ts`), ...shared.map((file) => file.replace("./", "src/")), "src/index.ts"],
    ignores: ["src/gpu/dawn.ts"],
    rules: {
      "no-restricted-imports": [
        "error",
        {
          patterns: [
            {
              group: ["node:*", "fs", "fs/*", "path", "os", "url", "crypto", "child_process", "worker_threads", "module"],
              message: "The core also runs in a browser.",
            },
            {
              group: ["sharp", "pngjs", "tar-stream", "onnxruntime-node", "koffi"],
              message: "That is for Node: its place is src/node.",
            },
            { group: ["webgpu", "webgpu/*"], message: "Only src/gpu/dawn.ts opens Dawn." },
          ],
        },
      ],
      "no-restricted-globals": [
        "error",
        ...nodeGlobals.map((name) => ({ name, message: "The core also runs in a browser." })),
        ...domGlobals.map((name) => ({ name, message: "The core also runs without a page." })),
      ],
    },
  },
  {
    files: ["studio/**/*.{ts,tsx}"],
    ignores: ["studio/vite.config.ts"],
    rules: {
      "no-restricted-imports": [
        "error",
        { patterns: [{ group: ["node:*", "sharp", "pngjs", "webgpu", "koffi"], message: "The studio is a page." }] },
      ],
      "no-restricted-globals": ["error", ...nodeGlobals.map((name) => ({ name, message: "The studio is a page." }))],
    },
  },
  {
    files: ["src/**/*.ts"],
    ignores: ["src/cli/**"],
    rules: { "no-console": "error" },
  },
);
