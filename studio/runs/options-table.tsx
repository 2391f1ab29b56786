/** The options of the chosen runs: of one all, of several what differs. */
import { useSignal } from "@preact/signals";
import { chosen } from "./chosen.js";
import { optionRows } from "./differences.js";

export function OptionsTable() {
  const all = useSignal(false);
  const runs = chosen.value;
  const rows = optionRows(runs);
  const several = runs.length > 1;
  const shown = several && !all.value ? rows.filter(({ differs }) => differs) : rows;
  const table = (
    <div class="runs-scroll" tabIndex={0} role="region" aria-label="Table of options">
      <table class="runs-options">
        <thead>
          <tr>
            <th scope="col">Option</th>
            {runs.map(({ name }) => (
              <th scope="col">{name}</th>
            ))}
          </tr>
        </thead>
        <tbody>
          {shown.map(({ name, values, differs }) => (
            <tr key={name} class={several && differs ? "differs" : undefined}>
              <th scope="row">{name}</th>
              {values.map((value) => (
                <td>{value}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
  if (!several)
    return (
      <details class="panel">
        <summary>Options</summary>
        {table}
      </details>
    );
  return (
    <section class="panel" aria-label="What differs">
      <div class="runs-head">
        <h2>What differs</h2>
        <label class="check">
          <input type="checkbox" checked={all.value} onChange={(event) => (all.value = event.currentTarget.checked)} />
          all options
        </label>
      </div>
      {shown.length === 0 ? <p class="note">Nothing: the options of these runs are the same.</p> : table}
    </section>
  );
}
