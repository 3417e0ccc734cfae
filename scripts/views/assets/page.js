// The page: tables sort by a click on a column's head, blocks copy, the plot starts.

function key(cell) {
  const raw = cell.dataset.key ?? cell.textContent.trim().replaceAll("\u2212", "-");
  // a share is what stands before its %, and an interval begins with its lower end
  const amount = Number(raw.replace(/(%| to .*)$/, ""));
  return raw === "" ? null : Number.isNaN(amount) ? raw : amount;
}

// Numbers before texts before empty cells, whatever the direction.
function compareKeys(a, b, sign) {
  if (a === null || b === null) return (a === null) - (b === null);
  if (typeof a !== typeof b) return typeof a === "number" ? -1 : 1;
  return sign * (typeof a === "number" ? a - b : a.localeCompare(b, "en"));
}

function sortable(table) {
  [...table.tHead.rows[0].cells].forEach((head, index) => {
    const button = make("button", "sort");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const sign = head.getAttribute("aria-sort") === "ascending" ? -1 : 1;
      for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", sign > 0 ? "ascending" : "descending");
      const rows = [...table.tBodies[0].rows];
      rows.sort((a, b) => compareKeys(key(a.cells[index]), key(b.cells[index]), sign));
      table.tBodies[0].append(...rows);
    });
  });
}

function copyable(button) {
  button.addEventListener("click", async () => {
    const source = document.getElementById(button.dataset.copy);
    let done = true;
    try {
      await navigator.clipboard.writeText(source.textContent);
    } catch {
      // a page opened from a file may have no clipboard: select the text instead
      window.getSelection().selectAllChildren(source);
      done = document.execCommand("copy");
    }
    button.textContent = done ? "Copied" : "Press Ctrl+C";
    setTimeout(() => {
      button.textContent = "Copy";
    }, 2000);
  });
}

document.querySelectorAll("table.sortable").forEach(sortable);
document.querySelectorAll("button.copy").forEach(copyable);
const explorer = new Explorer(JSON.parse(document.getElementById("study-runs").textContent));
