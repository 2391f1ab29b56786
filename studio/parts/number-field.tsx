/** A field for a whole number, which is kept within its bounds. */
interface Props {
  readonly label: string;
  readonly value: number;
  readonly min: number;
  readonly max?: number;
  readonly step?: number;
  readonly title?: string;
  readonly onValue: (value: number) => unknown;
}

/** The largest seed. */
const LARGEST = 2 ** 32 - 1;

export function NumberField({ label, value, min, max = LARGEST, step = 1, title, onValue }: Props) {
  return (
    <label title={title}>
      {label}
      <input
        type="number"
        {...{ min, max, step, value }}
        onInput={({ currentTarget: { valueAsNumber } }) => onValue(Number.isFinite(valueAsNumber) ? clamp(valueAsNumber, min, max) : min)}
      />
    </label>
  );
}

const clamp = (value: number, min: number, max: number): number => Math.min(max, Math.max(min, Math.round(value)));
