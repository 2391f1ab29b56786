/** The room Draw: sentences in, images out. */
export function DrawRoom() {
  return <p>…</p>;
}
