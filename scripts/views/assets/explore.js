// The plot with its controls, the name under the pointer, and the table of the runs that are kept.

const ROWS = 25;

class Explorer {
  constructor(data) {
    this.plot = document.getElementById("plot");
    const canvases = ["plot-context", "plot-lines", "plot-hover"].map((id) => this.element(id));
    this.scene = new Scene(data, canvases);
    this.data = data;
    this.rows = ROWS;
    this.sorting = { column: null, descending: false };
    this.hovered = null;
    this.views = new Map(
      this.scene.axes.map((axis) => [
        axis.index,
        new AxisView(axis, this.scene, (what) => this.changed(what)),
      ]),
    );
    this.connect();
    this.element("explorer").hidden = false;
    this.arrange();
  }

  element(id) {
    return document.getElementById(id);
  }

  connect() {
    const { scene } = this;
    const stages = this.element("show-stage");
    const { aside } = this.data;
    if (aside.length) stages.options[0].textContent = "all of the search";
    this.data.stages.forEach((stage, index) => {
      const option = make("option", "", aside.includes(index) ? `${stage} (fresh seeds)` : stage);
      option.value = String(index);
      stages.append(option);
    });
    const apply = () => {
      const kind = this.element("show-kind").value;
      this.element("show-amount-label").hidden = kind === "all";
      const amount = Number(this.element("show-amount").value);
      Object.assign(scene.filter, {
        kind,
        amount: Number.isFinite(amount) && amount >= 1 ? amount : 1,
        stage: stages.value === "" ? null : Number(stages.value),
        unfinished: this.element("show-unfinished").checked,
        constant: this.element("show-constant").checked,
      });
      scene.select();
      this.arrange();
    };
    for (const control of document.querySelectorAll(".controls select, .controls input")) {
      control.addEventListener("input", apply);
    }
    this.element("clear-brushes").addEventListener("click", () => {
      scene.limits.clear();
      this.views.forEach((view) => view.update());
      this.changed("limits");
    });
    this.element("kept-more").addEventListener("click", () => {
      this.rows += 100;
      this.fillTable();
    });
    this.plot.addEventListener("pointermove", (event) => this.hover(event));
    this.plot.addEventListener("pointerdown", (event) => this.hover(event));
    this.plot.addEventListener("pointerleave", (event) => {
      // a finger leaves as soon as it is lifted: what it pointed at stays
      if (event.pointerType === "mouse") this.point(null);
    });
    new ResizeObserver(() => this.arrange()).observe(this.element("plot-scroll"));
    window
      .matchMedia("(prefers-color-scheme: dark)")
      .addEventListener("change", () => this.redraw());
  }

  // Draw at most once a frame, however often limits move in between.
  changed(what) {
    if (what === "order") {
      this.arrange();
      return;
    }
    this.rows = ROWS;
    if (this.pending) return;
    this.pending = requestAnimationFrame(() => {
      this.pending = 0;
      this.scene.keep();
      this.redraw();
      this.fillTable();
    });
  }

  arrange() {
    const { scene } = this;
    const room = this.element("plot-scroll").clientWidth;
    scene.layout(room);
    scene.keep();
    const layer = this.element("plot-axes");
    const focused = document.activeElement;
    const wanted = scene.columns.map(({ axis }) => this.views.get(axis.index).root);
    for (const old of [...layer.children]) if (!wanted.includes(old)) old.remove();
    wanted.forEach((root, i) => {
      const misplaced = !scene.dragging && layer.children[i] !== root;
      if (misplaced || !root.parentElement) layer.insertBefore(root, layer.children[i] ?? null);
      root.style.left = `${scene.columns[i].x}px`;
      root.classList.toggle("first", i === 0);
    });
    if (focused && layer.contains(focused)) focused.focus();
    this.plot.style.width = `${scene.width}px`;
    this.plot.style.height = `${scene.top + scene.height + 24}px`;
    this.redraw();
    this.fillTable();
  }

  redraw() {
    const begin = performance.now();
    this.scene.draw();
    this.scene.highlight(this.hovered);
    this.plot.dataset.redrawMs = (performance.now() - begin).toFixed(1);
  }

  hover(event) {
    if (event.buttons && event.type === "pointermove") return;
    const box = this.plot.getBoundingClientRect();
    const [x, y] = [event.clientX - box.left, event.clientY - box.top];
    const inside = y > this.scene.top - 12 && y < this.scene.top + this.scene.height + 16;
    this.point(inside ? this.scene.nearest(x, y) : null, x, y);
  }

  // Show which run is pointed at: its line on top of all, its values beside the pointer.
  point(run, x = 0, y = 0) {
    const tip = this.element("plot-tip");
    if (run !== this.hovered) {
      this.hovered = run;
      this.scene.highlight(run);
      if (run !== null) this.describe(tip, run);
    }
    tip.hidden = run === null;
    if (run === null) return;
    const view = this.element("plot-scroll");
    const right = view.scrollLeft + view.clientWidth - tip.offsetWidth - 4;
    tip.style.left = `${Math.max(view.scrollLeft + 4, Math.min(x + 16, right))}px`;
    const low = this.scene.top + this.scene.height - tip.offsetHeight;
    tip.style.top = `${Math.max(4, Math.min(y + 16, low))}px`;
  }

  describe(tip, run) {
    const { data, scene } = this;
    const list = make("dl");
    const stages = data.stage[run].map((index) => data.stages[index]).join(", ");
    const status = data.statuses[data.status[run]];
    const pairs = [
      [scene.objective.title, scene.text(scene.objective, run) || "none"],
      ["stage", stages],
      ...(data.status[run] === COMPLETE ? [] : [["status", status]]),
      ...scene.visible().slice(0, -1).map((axis) => [axis.title, scene.text(axis, run)]),
    ];
    for (const [term, value] of pairs) list.append(make("dt", "", term), make("dd", "", value));
    tip.replaceChildren(make("strong", "", data.runs[run]), list);
  }

  columns() {
    const { data, scene } = this;
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
      {
        title: scene.objective.title,
        key: (run) => data.standing[run],
        text: (run) => scene.text(scene.objective, run),
      },
      ...scene.visible().slice(0, -1).map((axis) => ({
        title: axis.title,
        key: (run) => axis.place[run],
        text: (run) => scene.text(axis, run),
      })),
    ];
  }

  fillTable() {
    const { scene } = this;
    const columns = this.columns();
    const kept = [...this.data.runs.keys()].filter((run) => scene.kept[run]);
    const total = scene.shown.reduce((sum, shown) => sum + shown, 0);
    const { column: title, descending } = this.sorting;
    const sorted = columns.find((column) => column.title === title) ?? columns[3];
    const compare = (a, b) => (a < b ? -1 : a > b ? 1 : 0);
    kept.sort((a, b) => (descending ? -1 : 1) * compare(sorted.key(a), sorted.key(b)) || a - b);
    const table = this.element("kept-runs");
    table.tHead.replaceChildren(this.makeHead(columns, sorted));
    table.tBodies[0].replaceChildren(
      ...kept.slice(0, this.rows).map((run) => this.makeRow(columns, run)),
    );
    const limits = [...scene.limits.keys()].map((index) => scene.axes[index].title);
    this.element("kept").textContent =
      `${kept.length} of ${scene.offered} runs kept` +
      (total < scene.offered ? `, ${total} shown` : "") +
      (limits.length ? `; limits on ${limits.join(", ")}` : "") +
      (kept.length > this.rows ? `; the table has the first ${this.rows}.` : ".");
    this.element("kept-more").hidden = kept.length <= this.rows;
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
        this.fillTable();
        const index = columns.indexOf(column);
        this.element("kept-runs").tHead.rows[0].cells[index].firstChild.focus();
      });
      cell.append(button);
      row.append(cell);
    }
    return row;
  }

  makeRow(columns, run) {
    const row = make("tr");
    columns.forEach((column, index) => {
      const cell = make(index ? "td" : "th", index ? "" : "run");
      if (index) cell.textContent = column.text(run);
      else {
        cell.scope = "row";
        const button = make("button", "run-name");
        button.type = "button";
        breakable(button, column.text(run));
        button.addEventListener("focus", () => this.showLine(run));
        button.addEventListener("blur", () => this.showLine(null));
        cell.append(button);
      }
      row.append(cell);
    });
    row.addEventListener("pointerenter", () => this.showLine(run));
    row.addEventListener("pointerleave", () => this.showLine(null));
    return row;
  }

  showLine(run) {
    this.hovered = run;
    this.scene.highlight(run);
  }
}
