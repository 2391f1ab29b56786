/** A button that lets a person choose files, or a folder of them. */
interface Props {
  readonly children: string;
  readonly onFiles: (files: readonly File[]) => unknown;
  /** Endings or kinds of files. */
  readonly accept?: string;
  readonly multiple?: boolean;
  /** All files of a folder: each has its `webkitRelativePath`. */
  readonly folder?: boolean;
  /** It stands in a sentence. */
  readonly inline?: boolean;
  readonly disabled?: boolean;
}

export function FileButton({ children, onFiles, accept, multiple = false, folder = false, inline = false, disabled = false }: Props) {
  return (
    <label class={inline ? "button inline" : "button"}>
      {children}
      <input
        class="hidden-input"
        type="file"
        {...(folder ? { webkitdirectory: true } : { accept })}
        multiple={multiple}
        disabled={disabled}
        // The same file may be chosen again.
        onClick={(event) => (event.currentTarget.value = "")}
        onChange={(event) => {
          const files = [...(event.currentTarget.files ?? [])];
          if (files.length > 0) void onFiles(files);
        }}
      />
    </label>
  );
}
