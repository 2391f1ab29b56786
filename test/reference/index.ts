/** The float64 reference of every operation. */
export * from "./convolution.js";
export * from "./elementwise.js";
export * from "./layout.js";
export * from "./matmul.js";
export * from "./ndarray.js";
export * from "./reduce.js";
export * from "./networks.js";
