/** One sentence on what went wrong, told to a screen reader at once; nothing where nothing did. */
interface Props {
  readonly text: string | undefined;
  /** Where it can be put away. */
  readonly onClose?: () => unknown;
}

export function Trouble({ text, onClose }: Props) {
  if (!text) return null;
  return (
    <p class="trouble" role="alert">
      {text}
      {onClose && (
        <button type="button" class="plain" aria-label="Close this message" onClick={onClose}>
          ×
        </button>
      )}
    </p>
  );
}
