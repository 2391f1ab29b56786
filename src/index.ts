/** petalgrad: tensors, automatic differentiation and text-to-image GANs on WebGPU. */
import "./tensor/read.js";

export { grad } from "./autograd/grad.js";
export { gradcheck, type GradcheckInput, type GradcheckOptions, type GradcheckReport } from "./autograd/gradcheck.js";
export * from "./errors.js";
export { Device, type DeviceOptions, openDevice } from "./gpu/device.js";
export { Tuner, type TunerMode, type TunerOptions, type TuningProgress } from "./gpu/tuner.js";
export type { TuningStore } from "./gpu/tuning-file.js";
export { Discriminator, type DiscriminatorOptions } from "./models/discriminator.js";
export { Generator, type GeneratorOptions } from "./models/generator.js";
export { FeatureEncoder, type FeatureEncoderOptions, ImageEncoder, type ImageEncoderOptions } from "./models/image-encoder.js";
export { ganInitializers, type Initializers, type RandomSource } from "./models/initializers.js";
export { ImageTrunk, type ImageTrunkOptions } from "./models/image-trunk.js";
export { type Mode, Network } from "./models/layers.js";
export { type Cell } from "./models/recurrent.js";
export { StyleEncoder, type StyleEncoderOptions } from "./models/style-encoder.js";
export { TextEncoder, type TextEncoderOptions, type TextForm, type TextState } from "./models/text-encoder.js";
export { batchNorm, batchNormInference, type BatchNormOptions, type BatchNormResult } from "./tensor/batch-norm.js";
export { RandomStream } from "./random/philox.js";
export { broadcastTo, type ReduceOptions, sum } from "./tensor/broadcast.js";
export type { CompileProgress, CompileWatch } from "./gpu/dispatch-list.js";
export { compile, type CompileOptions } from "./tensor/compile.js";
export { STORAGES, type Storage } from "./tensor/storage.js";
export {
  conv1d,
  type Convolution1dOptions,
  conv2d,
  type ConvolutionOptions,
  convolutionWeightOrder,
  convTranspose2d,
  type TransposedOptions,
} from "./tensor/convolution.js";
export {
  abs,
  add,
  div,
  exp,
  isNonFinite,
  leakyRelu,
  log,
  maximum,
  minimum,
  mul,
  neg,
  type Operand,
  relu,
  rsqrt,
  sigmoid,
  softplus,
  sqrt,
  square,
  stopGradient,
  sub,
  tanh,
  where,
} from "./tensor/elementwise.js";
export { customKernel, type CustomKernel } from "./tensor/custom.js";
export { gather, oneHotConv1d, oneHotWeightOrder } from "./tensor/gather.js";
export { concat, pad, permute, reshape, slice, stack, transpose } from "./tensor/layout.js";
export { bceWithLogits, type HingeOptions, infoNce, jointEmbeddingHinge, mse, normalizeRows } from "./tensor/losses.js";
export { linear, matmul } from "./tensor/matmul.js";
export { Adam, type AdamOptions, RmsProp, type RmsPropOptions } from "./tensor/optimizers.js";
export { pixels, pixelWords } from "./tensor/pixels.js";
export { maxPool1d } from "./tensor/pool.js";
export { type InputValues, type OutputValues, Program } from "./tensor/program.js";
export { dropout, keyInput, randomKey, randomNormal, randomUniform } from "./tensor/random.js";
export {
  gruCell,
  type GruInputs,
  type GruParameters,
  type LinearParameters,
  lstmCell,
  type LstmState,
  rnnCell,
} from "./tensor/recurrent.js";
export { logSumExp, max, mean } from "./tensor/reduce.js";
export type { Order, Shape } from "./tensor/shape.js";
export { type DType, full, input, Tensor, tensor } from "./tensor/tensor.js";
export { assign, type Initializer, pack, Store, toOrder } from "./tensor/variables.js";
