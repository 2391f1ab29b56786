/** A run's sample grids, with a slider over the steps. */
import { useEffect, useRef, useState } from "preact/hooks";
import { shelf, quietly } from "./state.js";

interface Props {
  readonly id: string;
  /** Steps that have a grid. */
  readonly steps: readonly number[];
}

export function SampleView({ id, steps }: Props) {
  /** Undefined: the newest, as it comes. */
  const [chosen, setChosen] = useState<number>();
  const [captions, setCaptions] = useState("");
  const canvas = useRef<HTMLCanvasElement>(null);
  const step = chosen ?? steps.at(-1)!;
  useEffect(() => {
    let old = false;
    void quietly(async () => {
      const sample = await shelf().sample(id, step);
      if (!sample || old) return;
      const picture = await createImageBitmap(sample.picture);
      const shown = canvas.current;
      if (old || !shown) return;
      [shown.width, shown.height] = [picture.width, picture.height];
      shown.getContext("2d")!.drawImage(picture, 0, 0);
      shown.dataset.step = String(step);
      setCaptions(sample.captions);
    });
    return () => {
      old = true;
    };
  }, [id, step]);
  return (
    <figure class="samples">
      <canvas class="pixels" ref={canvas} width="1" height="1" role="img" aria-label={`Sample grid of step ${step}`} />
      <label>
        Samples of step {step}
        <input
          type="range"
          min="0"
          max={steps.length - 1}
          value={steps.indexOf(step)}
          disabled={steps.length < 2}
          aria-valuetext={`step ${step}`}
          onInput={(event) => {
            const at = event.currentTarget.valueAsNumber;
            setChosen(at === steps.length - 1 ? undefined : steps[at]);
          }}
        />
      </label>
      <details>
        <summary>Sentences of the rows</summary>
        <pre dir="auto">{captions}</pre>
      </details>
    </figure>
  );
}
