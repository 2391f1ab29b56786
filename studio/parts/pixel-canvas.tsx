/** An image of the engine's on a canvas, its pixels as squares. */
import { useLayoutEffect, useRef } from "preact/hooks";
import type { Pixels } from "../workers/pixels.js";

interface Props {
  readonly image: Pixels;
  /** What it shows, for those who do not see it. */
  readonly label: string;
}

export function PixelCanvas({ image, label }: Props) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const { width, height, data } = image;
  // Before the browser paints: what is written beside the image changes with it.
  useLayoutEffect(() => {
    canvas.current?.getContext("2d")?.putImageData(new ImageData(data, width, height), 0, 0);
  }, [data, width, height]);
  return <canvas class="pixels" ref={canvas} width={width} height={height} role="img" aria-label={label} />;
}
