/** What petalgrad asks of an adapter, and what it does without: for `doctor` and for the page. */

/** Limits that decide what can be trained; the value is what the `paper` preset needs, 0 where any will do. */
export const WANTED_LIMITS: Readonly<Record<string, number>> = {
  maxBufferSize: 256 * 2 ** 20,
  maxStorageBufferBindingSize: 128 * 2 ** 20,
  maxStorageBuffersPerShaderStage: 8,
  maxComputeWorkgroupStorageSize: 16 * 2 ** 10,
  maxComputeInvocationsPerWorkgroup: 256,
  maxComputeWorkgroupSizeX: 256,
  maxComputeWorkgroupsPerDimension: 65535,
  minStorageBufferOffsetAlignment: 0,
  maxImmediateSize: 0,
};

/** Features that petalgrad asks for where they are, and what it does without them. */
export const WANTED_FEATURES: Readonly<Record<string, string>> = {
  subgroups: "kernels take the variants without subgroups",
  "shader-f16": "train keeps activations in f32 (no --storage f16)",
  "timestamp-query": "bench measures whole submissions instead of single kernels",
};
