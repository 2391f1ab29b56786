/** What a new run trains on: petals, or pictures of one's own, which are chosen, made ready, and reported on here. */
import { useEffect } from "preact/hooks";
import { DropTarget } from "../parts/drop-target.js";
import { FileButton } from "../parts/file-button.js";
import { Trouble } from "../parts/trouble.js";
import { chooseFolder, choosesFolders, droppedPictures, givenFiles } from "./given.js";
import type { SetReport } from "./set.js";
import { data, picturesTrouble, prepare, preparing, readSets, removeSet, sets, stopPreparing } from "./state.js";

/** Lines of what was left out. */
const MOST_LINES = 100;

export function Pictures() {
  useEffect(() => void readSets(), []);
  const chosen = sets.value.find(({ name }) => name === data.value);
  return (
    <DropTarget onItems={(items) => void prepare(() => droppedPictures(items))}>
      <div class="fields pictures">
        <label class="long">
          Pictures
          <select value={data.value} onChange={(event) => (data.value = event.currentTarget.value)}>
            <option value="petals">petals, a made-up world of flowers</option>
            {sets.value.map(({ name, images }) => (
              <option value={name}>
                {name}, {counted(images, "picture")} of your own
              </option>
            ))}
          </select>
        </label>
        <Add />
      </div>
      {!preparing.value && (
        <p class="help">
          Your own: a folder or archive of pictures with their sentences, as data sets are usually kept (a .txt beside each picture,
          metadata.jsonl or .csv, Parquet, COCO, Flickr, text_c10), or one folder a class; drop it here. Pictures behind addresses are not
          fetched.
        </p>
      )}
      <Trouble text={picturesTrouble.value} onClose={() => (picturesTrouble.value = undefined)} />
      {chosen && <Report key={chosen.name} set={chosen} />}
    </DropTarget>
  );
}

function Add() {
  const now = preparing.value;
  if (now)
    return (
      <span class="note" role="status">
        <progress aria-label="Making the pictures ready" max={now.total ?? 1} value={now.total === undefined ? undefined : now.done} />{" "}
        {now.name}: {now.total === undefined ? "looking for pictures and sentences" : `${now.done} of ${now.total}`}{" "}
        <button type="button" onClick={stopPreparing}>
          Stop
        </button>
      </span>
    );
  return (
    <span class="buttons">
      {choosesFolders ? (
        <button type="button" onClick={() => void prepare(chooseFolder)}>
          Your own: a folder …
        </button>
      ) : (
        <FileButton folder onFiles={(files) => void prepare(() => givenFiles(withPaths(files)))}>
          Your own: a folder …
        </FileButton>
      )}
      <FileButton accept=".zip,.tar,.tgz,.gz,.parquet" onFiles={(files) => void prepare(() => givenFiles(withPaths(files)))}>
        … or one file (zip, tar, Parquet)
      </FileButton>
    </span>
  );
}

const withPaths = (files: readonly File[]) => files.map((file) => ({ path: file.webkitRelativePath || file.name, file }));

/** What was found in them, and what was left out. */
function Report({ set }: { readonly set: SetReport }) {
  const { name, images, captions, classes, training, heldOut, notes, skipped } = set;
  const of = classes > 0 ? "class" : "picture";
  return (
    <div class="report-of-pictures">
      <p>
        {counted(images, "picture")} with {counted(captions, "sentence")}
        {classes > 0 ? ` in ${counted(classes, "class")}` : ", each for itself"}: {counted(training, of)} to train on, {heldOut} held out.{" "}
        <button type="button" class="danger" onClick={() => void removeSet(name)}>
          Delete them from the browser
        </button>
      </p>
      <details open={skipped.length > 0 && images === 0}>
        <summary>How they were read{skipped.length > 0 && `, and ${counted(skipped.length, "file")} left out`}</summary>
        <ul>
          {notes.map((note) => (
            <li>{note}</li>
          ))}
          {skipped.slice(0, MOST_LINES).map(({ file, reason }) => (
            <li>
              <code>{file}</code>: {reason}
            </li>
          ))}
          {skipped.length > MOST_LINES && <li>and {skipped.length - MOST_LINES} more</li>}
        </ul>
      </details>
    </div>
  );
}

const counted = (count: number, what: string): string =>
  `${count.toLocaleString("en")} ${count === 1 ? what : what.endsWith("s") ? `${what}es` : `${what}s`}`;
