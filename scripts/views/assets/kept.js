// The table of the runs that are kept. A run that was picked in the plot stands first.

const ROWS = 25;

class KeptTable {
  // `point` is told the run whose row is pointed at (null for none), `pick` the one that is pressed,
  // and `lengthen` that more rows are wanted.
  constructor(scene, { point, pick, lengthen }) {
    this.scene = scene;
    this.point = point;
    this.pick = pick;
    this.rows = ROWS;
    this.sorting = { column: null, descending: false };
    this.table = document.getElementById("kept-runs");
    this.more = document.getElementById("kept-more");
    this.more.addEventListener("click", () => {
      this.rows += 100;
      lengthen();
    });
  }

  columns() {
    const { data, objective } = this.scene;
    return [
      { title: "Run", key: (run) => data.runs[run], text: (run) => data.runs[run] },
      {
        title: "Stage",
        key: (run) => data.stage[run][0],
        text: (run) => data.stage[run].map((index) => data.stages[index]).join(", "),
      },
      {
        title: "Status",
        key: (run) => data.status[run],
        text: (run) => data.statuses[data.status[run]],
      },
      { title: objective.title, key: (run) => data.standing[run], text: objective.text },
      ...this.scene.visible().slice(0, -1).map((axis) => ({
        title: axis.title,
        key: (run) => axis.at[run],
        text: axis.text,
      })),
    ];
  }

  // Fill the table anew and return how many runs are kept.
  fill(picked) {
    const { scene, sorting } = this;
    this.picked = picked;
    const columns = this.columns();
    const runs = scene.drawOrder.filter((run) => scene.kept[run]).reverse();
    const sorted = columns.find((column) => column.title === sorting.column) ?? columns[3];
    const compare = (a, b) => (a < b ? -1 : a > b ? 1 : 0);
    if (sorted !== columns[3]) runs.sort((a, b) => compare(sorted.key(a), sorted.key(b)));
    if (sorting.descending) runs.reverse();
    const listed = runs.filter((run) => run !== picked).slice(0, this.rows);
    if (picked !== null && scene.kept[picked]) listed.unshift(picked);
    this.table.tHead.replaceChildren(this.makeHead(columns, sorted));
    this.table.tBodies[0].replaceChildren(...listed.map((run) => this.makeRow(columns, run)));
    this.more.hidden = runs.length <= this.rows;
    return runs.length;
  }

  makeHead(columns, sorted) {
    const row = make("tr");
    for (const column of columns) {
      const cell = make("th");
      cell.scope = "col";
      const own = column === sorted;
      if (own) cell.setAttribute("aria-sort", this.sorting.descending ? "descending" : "ascending");
      const button = make("button", "sort");
      button.type = "button";
      breakable(button, column.title);
      button.addEventListener("click", () => {
        this.sorting = { column: column.title, descending: own && !this.sorting.descending };
        this.fill(this.picked);
        this.table.tHead.rows[0].cells[columns.indexOf(column)].firstChild.focus();
      });
      cell.append(button);
      row.append(cell);
    }
    return row;
  }

  makeRow(columns, run) {
    const row = make("tr", run === this.picked ? "picked" : "");
    row.dataset.run = run;
    columns.forEach((column, index) => {
      const cell = make(index ? "td" : "th", index ? "" : "run");
      if (index) cell.textContent = column.text(run);
      else {
        cell.scope = "row";
        const button = make("button", "run-name");
        button.type = "button";
        button.setAttribute("aria-pressed", String(run === this.picked));
        breakable(button, column.text(run));
        button.addEventListener("focus", () => this.point(run));
        button.addEventListener("blur", () => this.point(null));
        button.addEventListener("click", () => {
          this.pick(run);
          this.focus(run);
        });
        cell.append(button);
      }
      row.append(cell);
    });
    row.addEventListener("pointerenter", () => this.point(run));
    row.addEventListener("pointerleave", () => this.point(null));
    return row;
  }

  row(run) {
    return run === null ? null : this.table.tBodies[0].querySelector(`[data-run="${run}"]`);
  }

  focus(run) {
    this.row(run)?.querySelector("button").focus({ preventScroll: true });
  }

  // Mark the row of the run that is pointed at in the plot.
  mark(run) {
    this.marked?.classList.remove("pointed");
    this.marked = this.row(run);
    this.marked?.classList.add("pointed");
  }
}
