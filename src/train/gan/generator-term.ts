/** What may be added to the generator's loss L_G. */
import type { Adam } from "../../tensor/optimizers.js";
import type { Tensor } from "../../tensor/tensor.js";
import type { StepInputs } from "./inputs.js";

/** The drawn rows of G's step. */
export interface Drawn {
  /** The noise [B′, Z]. */
  readonly z: Tensor;
  /** The images G(z, h′) [B′, 3, S, S]. */
  readonly images: Tensor;
  /** How many pairs of rows have the same text, i and `apart` + i; 0 where no term asks for them. */
  readonly twins: number;
  readonly apart: number;
}

/** A term that is added to L_G. */
export interface GeneratorTerm {
  /** λ */
  readonly weight: number;
  /** Of a network that learns by it. */
  readonly adam?: Adam;
  /** True where half of the batch's texts are to be drawn twice. */
  readonly wantsTwins?: boolean;
  /** @returns the term without λ, and what goes into the metrics */
  build(drawn: Drawn, inputs: StepInputs): { readonly loss: Tensor; readonly metrics: TermMetrics };
}

/** Scalars that terms tell of themselves. */
export interface TermMetrics {
  /** E ‖z‖² − E ‖z − Q‖² of noise-term.ts: how many of the noise's Z directions are read. */
  readonly noiseRead?: Tensor;
  /** E r of diversity-term.ts. */
  readonly diversity?: Tensor;
}
