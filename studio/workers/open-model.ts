/** The model that is open in this thread: its file as it came, and what of it is on the device, made when it is first needed. */
import { DrawingModel } from "../../src/drawing/drawing-model.js";
import { StyledModel } from "../../src/drawing/styled-model.js";
import type { Device } from "../../src/gpu/device.js";
import { readGan } from "../../src/train/gan/model-file.js";
import { readStyle } from "../../src/train/style/file.js";

/** A file as it came, to be read again for another device. */
interface Kept {
  readonly bytes: Uint8Array;
  readonly name: string;
}

export class OpenModel {
  #file: Kept | undefined;
  /** The style encoder's file, which may be the model's own. */
  #style: Kept | undefined;
  #averaged: DrawingModel | undefined;
  #raw: DrawingModel | undefined;
  #styled: StyledModel | undefined;

  /** Takes the place of what was open. @param style Its style encoder's file, where it has one. */
  take(file: Kept, style: Kept | undefined): void {
    this.#forget();
    this.#file = file;
    this.#style = style;
  }

  /** Takes another style encoder for the same model. */
  takeStyle(style: Kept): void {
    this.#style = style;
    this.#styled?.destroy();
    this.#styled = undefined;
  }

  /** The model on a device. @param raw By the raw generator, where the file has it. @throws Error where none is open */
  async on(device: Device, raw = false): Promise<DrawingModel> {
    if (this.#averaged && this.#averaged.device !== device) this.#forget();
    const known = raw ? this.#raw : this.#averaged;
    if (known) return known;
    if (!this.#file) throw new Error("Open a model first.");
    const { bytes, name } = this.#file;
    const file = await readGan(bytes, name);
    this.#averaged ??= new DrawingModel(device, file, name);
    if (!raw || !file.raw) return this.#averaged;
    return (this.#raw ??= new DrawingModel(device, { ...file, generator: file.raw }, name));
  }

  /** The model with its style encoder. @throws Error where there is none */
  async styledOn(device: Device): Promise<StyledModel> {
    const drawing = await this.on(device);
    if (!this.#style) throw new Error("This model has no style encoder: open its file, or train one with train-style.");
    return (this.#styled ??= await StyledModel.create(drawing, await readStyle(this.#style.bytes, this.#style.name)));
  }

  /** Frees what is bound to a device; the files stay. */
  #forget(): void {
    for (const made of [this.#styled, this.#raw, this.#averaged]) made?.destroy();
    this.#styled = this.#raw = this.#averaged = undefined;
  }
}
