/**
 * petalgrad: tensors, automatic differentiation and text-to-image GANs on WebGPU. All of this runs wherever WebGPU is: in a page, in a
 * worker, in Node. Files, data sets on disk and run folders are in "petalgrad/node".
 */
import "./tensor/read.js";

// Errors: each message is one line that names the thing and the way out.
export * from "./errors.js";

// The device, and how its kernels are chosen.
export { Device, type DeviceOptions, openDevice } from "./gpu/device.js";
export { Tuner, type TunerMode, type TunerOptions, type TuningProgress } from "./gpu/tuner.js";
export type { TuningStore } from "./gpu/tuning-file.js";

// Tensors and programs: an expression is built, compiled once, and run as often as one likes.
export type { CompileProgress, CompileWatch } from "./gpu/dispatch-list.js";
export { compile, type CompileOptions } from "./tensor/compile.js";
export { type InputValues, type OutputValues, Program } from "./tensor/program.js";
export type { Order, Shape } from "./tensor/shape.js";
export { STORAGES, type Storage } from "./tensor/storage.js";
export { type DType, full, input, Tensor, tensor } from "./tensor/tensor.js";
export { assign, type Initializer, pack, Store, toOrder } from "./tensor/variables.js";

// Operations: elementwise, sums, products, convolutions, normalisation, recurrences, shapes, losses, and kernels of one's own.
export { batchNorm, batchNormInference, type BatchNormOptions, type BatchNormResult } from "./tensor/batch-norm.js";
export { broadcastTo, type ReduceOptions, sum } from "./tensor/broadcast.js";
export {
  conv1d,
  type Convolution1dOptions,
  conv2d,
  type ConvolutionOptions,
  convolutionWeightOrder,
  convTranspose2d,
  type TransposedOptions,
} from "./tensor/convolution.js";
export { customKernel, type CustomKernel } from "./tensor/custom.js";
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
  scaleGradient,
  sigmoid,
  softplus,
  sqrt,
  square,
  stopGradient,
  sub,
  tanh,
  where,
} from "./tensor/elementwise.js";
export { gather, oneHotConv1d, oneHotWeightOrder } from "./tensor/gather.js";
export { concat, pad, permute, reshape, slice, stack, transpose } from "./tensor/layout.js";
export { bceWithLogits, type HingeOptions, infoNce, jointEmbeddingHinge, mse, normalizeRows } from "./tensor/losses.js";
export { linear, matmul } from "./tensor/matmul.js";
export { pixels, pixelWords } from "./tensor/pixels.js";
export { maxPool1d } from "./tensor/pool.js";
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

// Derivatives, and optimizers that follow them.
export { grad } from "./autograd/grad.js";
export { gradcheck, type GradcheckInput, type GradcheckOptions, type GradcheckReport } from "./autograd/gradcheck.js";
export { Adam, type AdamOptions, RmsProp, type RmsPropOptions } from "./tensor/optimizers.js";

// Random numbers: pure functions of a seed and of where they are used, on the GPU and on the CPU.
export { RandomStream } from "./random/philox.js";
export { dropout, keyInput, randomKey, randomNormal, randomUniform } from "./tensor/random.js";

// The papers' networks.
export { Discriminator, type DiscriminatorOptions } from "./models/discriminator.js";
export { Generator, type GeneratorOptions } from "./models/generator.js";
export { FeatureEncoder, type FeatureEncoderOptions, ImageEncoder, type ImageEncoderOptions } from "./models/image-encoder.js";
export { ImageTrunk, type ImageTrunkOptions } from "./models/image-trunk.js";
export { ganInitializers, type Initializers, type RandomSource } from "./models/initializers.js";
export { type Mode, Network } from "./models/layers.js";
export { type Cell } from "./models/recurrent.js";
export { StyleEncoder, type StyleEncoderOptions } from "./models/style-encoder.js";
export { type Upsampling, UPSAMPLINGS } from "./models/upsampling.js";
export { TextEncoder, type TextEncoderOptions, type TextForm, type TextState } from "./models/text-encoder.js";

// Sentences: characters or words as numbers, and their embeddings.
export { Alphabet, type AlphabetJson, CAPTION_LENGTH, ORIGINAL_SYMBOLS } from "./data/alphabet.js";
export { type Symbols, symbolsFromJson } from "./data/symbols.js";
export { Vocabulary, type VocabularyJson, wordsOf } from "./data/vocabulary.js";
export { CaptionEncoder, type Normalisation, normalisationOf, normalise, type TextModel } from "./train/text/captions.js";

// Data sets: petals, which are made, and whatever is in memory; and the batches of a training.
export { captionNumbers, DataError, type Dataset, type PrepareReport, type Skipped, type Split, type SplitName } from "./data/dataset.js";
export { PackedDataset, type PreparedData, type PreparedImage, type PreparedSet, type StoredPixels } from "./data/packed.js";
export { decodePacked, encodePacked } from "./data/packed-form.js";
export { makePetals, type PetalsImage, petalsImage, type PetalsOptions } from "./data/petals.js";
export type { PetalsAttributes, PetalsClass, PetalsStyle, Rgb } from "./data/petals-attributes.js";
export { resizeArea } from "./data/resize.js";
export { subset } from "./data/subset.js";
export { centreViews, fillCaptions, fillImages, fillPixels, type Views } from "./data/batch.js";
export {
  type Augmentation,
  drawViews,
  type JointBatch,
  JointSampler,
  type JointSamplerOptions,
  type PairBatch,
  PairSampler,
  type PairSamplerOptions,
} from "./data/sampler.js";

// Model files: from bytes, and to bytes. A run's model.safetensors is a generator with its text encoder; a file may also hold the
// discriminator, the generator without averaging, and the style encoder.
export {
  encodeGan,
  type GanFile,
  type GeneratorFile,
  type ModelEncoding,
  type NamedBytes,
  readGan,
  readGenerator,
} from "./train/gan/model-file.js";
export { encodeOnnx } from "./train/gan/onnx.js";
export { type Precision, PRECISIONS } from "./train/run/network-file.js";
export {
  encodeTextEncoder,
  type ImageSide,
  type ModelTexts,
  readTextEncoder,
  readTextModel,
  type TextEncoderFile,
} from "./train/text/encoder-file.js";
export { exportStateDict, importTextEncoder } from "./train/text/import/import-encoder.js";
export { encodeStyle, readStyle, readStylePart, type StyleFile, stylePart } from "./train/style/file.js";
export {
  type DType as SafetensorsType,
  readSafetensors,
  type SafetensorsFile,
  type SafeTensor,
  writeSafetensors,
} from "./formats/safetensors.js";

// Drawing with a model: sentences, walks between sentences and styles, the styles of photographs.
export { DiscriminatorReader } from "./drawing/discriminator-reader.js";
export { DrawingModel } from "./drawing/drawing-model.js";
export {
  type Course,
  frames,
  interpolate,
  type Interpolation,
  type InterpolationOptions,
  type StyleSource,
} from "./drawing/interpolate.js";
export { type Inversion, type InversionOptions, refine } from "./drawing/invert.js";
export { restyle, type Restyled } from "./drawing/restyle.js";
export { sample, sampleEmbeddings, type SampleOptions } from "./drawing/sample.js";
export { StyledModel, type StyleReading } from "./drawing/styled-model.js";
export { type Path, walk } from "./drawing/walk.js";

// Training a GAN: options and presets, algorithm 1 as one compiled step, and a run that keeps itself.
export { type GeneratorKind, type GivenOptions, TRAIN_OPTIONS, type TrainOptions, type Variant, VARIANTS } from "./train/gan/options.js";
export { resolveOptions } from "./train/gan/resolve-options.js";
export { RECIPE_VALUES, type RecipeName, RECIPES } from "./train/gan/recipes.js";
export type { TuneMode } from "./train/run/options.js";
export { type Preset, PRESET_VALUES, type PresetName, PRESETS } from "./train/gan/presets.js";
export { emaDecay, Gan, type GanOptions, type GanProgram } from "./train/gan/gan.js";
export type { GanMetrics, StepOutputs } from "./train/gan/step.js";
export { type GanTraining, trainGan } from "./train/gan/session.js";
export { type TrainEvent, type TrainHooks, type TrainResult, withoutHooks } from "./train/run/events.js";
export { MemoryStore, type RunStore } from "./train/run/store.js";
export { ALONE, type Patience, type World } from "./train/run/world.js";

// Training what stands beside a GAN: text encoders by themselves (section 3's objectives), style encoders of finished GANs (section 4.4).
export { type GivenTextOptions, TEXT_OPTIONS, type TextOptions } from "./train/text/options.js";
export { type TextTraining, type TextTrainResult, trainText } from "./train/text/session.js";
export { type GivenStyleOptions, STYLE_OPTIONS, type StyleOptions } from "./train/style/options.js";
export { type StyleEncoderTraining, type StyleResult, trainStyle } from "./train/style/session.js";

// Pictures: a grid of images as pixels, curves as SVG.
export { type GridOptions, imageGrid, type Picture } from "./pictures/image-grid.js";
export { type CommonAxis, curvesSvg, type Panel, type Series } from "./pictures/line-chart.js";
