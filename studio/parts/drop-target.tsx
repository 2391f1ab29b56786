/** A part of the page on which files or folders can be dropped. */
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";

interface Props {
  readonly onFile?: (file: File) => unknown;
  /** All that was dropped, folders too. */
  readonly onItems?: (items: DataTransferItemList) => unknown;
  readonly children: ComponentChildren;
}

export function DropTarget({ onFile, onItems, children }: Props) {
  const [over, setOver] = useState(false);
  const hasFiles = (event: DragEvent) => event.dataTransfer?.types.includes("Files") ?? false;
  return (
    <div
      class={over ? "drop over" : "drop"}
      onDragOver={(event) => {
        if (!hasFiles(event)) return;
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={(event) => {
        if (event.currentTarget === event.target) setOver(false);
      }}
      onDrop={(event) => {
        setOver(false);
        const file = event.dataTransfer?.files[0];
        if (!event.dataTransfer || !file) return;
        event.preventDefault();
        event.stopPropagation();
        onFile?.(file);
        onItems?.(event.dataTransfer.items);
      }}
    >
      {children}
    </div>
  );
}
