/** The options that say what the two networks are: their sizes, the forms of their layers, and what of a batch they see. */
import { SMOOTH_LAYERS } from "../../models/generator.js";
import { UPSAMPLINGS } from "../../models/upsampling.js";
import type { OptionTable } from "../../option-spec.js";
import { GROUPS } from "../run/options.js";
import { FROM_PRESET } from "./presets.js";
import { setByRecipes } from "./recipes.js";

/** `source` is Reed et al. 2016 where it names no other. */
export const NETWORK_OPTIONS = {
  /** Side of the images in pixels: a power of two, at least 16. */
  imageSize: {
    type: "integer",
    min: 16,
    max: 256,
    description: "side of the images, a power of two",
    source: "section 5: 64",
    defaultText: FROM_PRESET,
    group: GROUPS.paper,
  },
  /** The n of the generator's 8n, 4n, 2n, n channels ("ngf"). */
  generatorWidth: {
    type: "integer",
    min: 4,
    max: 512,
    description: "n of the generator's 8n, 4n, 2n, n channels",
    source: "section 4.1; authors' code: 128",
    defaultText: FROM_PRESET,
    group: GROUPS.paper,
  },
  /** The n of the discriminator's n, 2n, 4n, 8n channels ("ndf"). */
  discriminatorWidth: {
    type: "integer",
    min: 4,
    max: 512,
    description: "n of the discriminator's n, 2n, 4n, 8n channels",
    source: "section 4.1; authors' code: 64",
    defaultText: FROM_PRESET,
    group: GROUPS.paper,
  },
  /** Length of the noise vector z. */
  noiseSize: {
    type: "integer",
    min: 1,
    max: 1024,
    description: "length of the noise vector",
    source: "section 5: 100",
    defaultText: FROM_PRESET,
    group: GROUPS.paper,
  },
  /** Length to which each network projects the text embedding ("nt"). */
  textProjection: {
    type: "integer",
    min: 1,
    max: 1024,
    description: "length each network projects the text to",
    source: "sections 4.1 and 5: 128",
    defaultText: FROM_PRESET,
    group: GROUPS.paper,
  },
  residual: {
    type: "flag",
    default: true,
    description: "residual bottlenecks in both networks (in the authors' code, not in the paper)",
    ...setByRecipes("residual"),
    group: GROUPS.paper,
  },
  /** Form of the generator's last stride-2 layers. */
  upsampling: {
    type: "choice",
    choices: UPSAMPLINGS,
    default: "smooth",
    description:
      "how the generator's last layers double the image: by transposed convolutions 4x4, as in the paper, which may leave a weave of period two; by smooth ones, each the nearest pixel's value and then a convolution 3x3, at the same cost; or by straight lines between pixels, then a convolution 2x2 (bilinear)",
    source: "Odena et al. 2016",
    ...setByRecipes("upsampling"),
    group: GROUPS.ours,
  },
  smoothLayers: {
    type: "integer",
    min: 1,
    max: 6,
    default: SMOOTH_LAYERS,
    description: "how many of the last stride-2 layers --upsampling smooth or bilinear is for; 6: all",
    group: GROUPS.ours,
  },
  missingLeakyRelu: {
    type: "choice",
    choices: ["keep", "restore"],
    default: "restore",
    description: "the LeakyReLU that the authors' code lacks after the discriminator's third convolution: keep it missing, or restore it",
    source: "section 4.1",
    ...setByRecipes("missingLeakyRelu"),
    group: GROUPS.paper,
  },
  textBatchNorm: {
    type: "flag",
    default: true,
    saved: "on|off",
    description: "batch norm in the discriminator's text layer (in the authors' code)",
    ...setByRecipes("textBatchNorm"),
    group: GROUPS.paper,
  },
  discriminatorBatches: {
    type: "choice",
    choices: ["separate", "joint"],
    default: "joint",
    description:
      "the discriminator's batch norm in training: real, mismatching and drawn pairs each by their own statistics, as in the authors' code, or all by common ones",
    ...setByRecipes("discriminatorBatches"),
    group: GROUPS.ours,
  },
  minibatchDeviation: {
    type: "flag",
    default: true,
    saved: "on|off",
    description: "show the discriminator of joint batches how much the images of each kind differ",
    source: "Karras et al. 2018, section 3",
    ...setByRecipes("minibatchDeviation"),
    group: GROUPS.ours,
  },
} as const satisfies OptionTable;
