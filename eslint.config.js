/**
 * The rules that a machine can hold: no forgotten promise, no `any`, no circle of imports, dependencies that point one way
 * (docs/architecture.md), and an engine that knows neither Node nor the DOM. test/lint.test.ts shows that each of them bites.
 */
import { createNodeResolver, importX } from "eslint-plugin-import-x";
import tseslint from "typescript-eslint";

/** What each layer may import besides itself. A layer that is not named may not be imported. */
const layers = {
  kernels: [],
  "src/gpu": ["kernels"],
  "src/tensor": ["kernels", "src/gpu"],
  "src/autograd": ["kernels", "src/gpu", "src/tensor"],
  "src/models": ["kernels", "src/gpu", "src/tensor", "src/autograd"],
  "src/data": ["kernels", "src/gpu", "src/tensor", "src/autograd"],
  "src/train": ["kernels", "src/gpu", "src/tensor", "src/autograd", "src/models", "src/data"],
  "src/evaluate": ["kernels", "src/gpu", "src/tensor", "src/autograd", "src/models", "src/data", "src/train"],
  "src/cli": ["kernels", "src/gpu", "src/tensor", "src/autograd", "src/models", "src/data", "src/train", "src/evaluate"],
};

/** Tiny files of src itself that every layer above the kernels may import. */
const shared = ["./arguments.ts", "./errors.ts", "./option-spec.ts"];

const zones = Object.entries(layers).flatMap(([layer, allowed]) => [
  ...Object.keys(layers)
    .filter((other) => other !== layer && !allowed.includes(other))
    .map((other) => ({
      target: `./${layer}`,
      from: `./${other}`,
      message: `${layer} may not import ${other}: dependencies point from cli down to kernels.`,
    })),
  ...["./test", "./bench", "./scripts"].map((from) => ({ target: `./${layer}`, from, message: "The product may not import its tools." })),
]);
zones.push({
  target: Object.keys(layers).map((layer) => `./${layer}`),
  from: "./src/index.ts",
  message: "src/index.ts is for users of the package; import the file that defines the name.",
});
zones.push({
  target: shared.map((file) => file.replace("./", "./src/")),
  from: Object.keys(layers).map((layer) => `./${layer}`),
  message: "A file that every layer imports may import none.",
});
zones.push({ target: "./kernels", from: "./src", message: "Kernels know nothing of the rest of petalgrad." });

const nodeGlobals = ["process", "Buffer", "global", "require", "__dirname", "__filename", "setImmediate"];
const domGlobals = ["window", "document", "navigator", "self", "localStorage", "Image", "HTMLElement", "requestAnimationFrame"];

export default tseslint.config(
  { ignores: ["dist/", "node_modules/", "runs/", "data/", "docs/", "bench/peers/"] },
  { linterOptions: { reportUnusedDisableDirectives: "error" } },
  {
    files: ["**/*.{js,mjs}"],
    rules: { "no-undef": "off", "no-unused-vars": "error", "prefer-const": "error", eqeqeq: "error" },
  },
  {
    files: ["**/*.ts"],
    extends: [tseslint.configs.recommended],
    plugins: { "import-x": importX },
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    settings: {
      "import-x/resolver-next": [createNodeResolver({ extensionAlias: { ".js": [".ts", ".js"] }, extensions: [".ts", ".js"] })],
      "import-x/parsers": { "@typescript-eslint/parser": [".ts"] },
      "import-x/extensions": [".ts", ".js"],
    },
    rules: {
      eqeqeq: "error",
      "prefer-const": "error",
      "no-console": "off",
      "@typescript-eslint/no-explicit-any": "error",
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
    files: ["kernels/**/*.ts", "src/{gpu,tensor,autograd,models}/**/*.ts", "src/arguments.ts", "src/errors.ts", "src/option-spec.ts"],
    ignores: ["src/gpu/dawn.ts"],
    rules: {
      "no-restricted-imports": [
        "error",
        {
          patterns: [
            {
              group: ["node:*", "fs", "fs/*", "path", "os", "url", "crypto", "child_process", "worker_threads", "module"],
              message: "This layer also runs in a browser.",
            },
            { group: ["webgpu", "webgpu/*"], message: "Only src/gpu/dawn.ts opens Dawn." },
          ],
        },
      ],
      "no-restricted-globals": [
        "error",
        ...nodeGlobals.map((name) => ({ name, message: "This layer also runs in a browser." })),
        ...domGlobals.map((name) => ({ name, message: "This layer also runs without a page." })),
      ],
    },
  },
  {
    files: ["src/**/*.ts"],
    ignores: ["src/cli/**"],
    rules: { "no-console": "error" },
  },
);
