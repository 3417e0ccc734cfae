// The plot with its controls, what is pointed at, and the table of the runs that are kept.

class Explorer {
  constructor(data) {
    this.plot = this.element("plot");
    this.scene = new Scene(data);
    this.data = data;
    this.hovered = null;
    this.picked = null;
    this.views = new Map();
    this.scene.axes.forEach((axis) => this.view(axis));
    this.table = new KeptTable(this.scene, {
      point: (run) => this.showLine(run),
      pick: (run) => this.pick(run),
      lengthen: () => this.fillTable(),
    });
    this.element("explorer").hidden = false;
    this.scene.layout(this.element("plot-scroll").clientWidth);
    const canvases = ["plot-context", "plot-lines", "plot-hover"].map((id) => this.element(id));
    this.lines = new Lines(this.scene, canvases);
    this.connect();
    this.arrange();
  }

  element(id) {
    return document.getElementById(id);
  }

  view(axis) {
    const view = new AxisView(axis, this.scene, (what) => this.changed(what, axis));
    this.views.set(axis.index, view);
    return view;
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
      this.picked = null;
      scene.keep();
      this.arrange();
    });
    this.plot.addEventListener("pointermove", (event) => this.hover(event));
    this.plot.addEventListener("pointerdown", (event) => this.hover(event));
    this.plot.addEventListener("pointerleave", (event) => {
      // a finger leaves as soon as it is lifted: what it pointed at stays
      if (event.pointerType === "mouse") this.point(null);
    });
    this.plot.addEventListener("click", (event) => {
      if (!event.target.closest(".axis")) this.pick(this.hovered);
    });
    new ResizeObserver(() => this.arrange()).observe(this.element("plot-scroll"));
    window
      .matchMedia("(prefers-color-scheme: dark)")
      .addEventListener("change", () => this.redraw());
  }

  // Draw at most once a frame, however often limits move in between.
  changed(what, axis) {
    if (what === "scale") {
      const view = this.view(axis);
      this.scene.keep();
      this.arrange();
      view.scale.focus();
      return;
    }
    if (what === "order") {
      this.arrange();
      return;
    }
    this.table.rows = ROWS;
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
    scene.layout(this.element("plot-scroll").clientWidth);
    this.lines.layout();
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
    this.plot.style.height = `${scene.bottom + 20}px`;
    this.redraw();
    this.fillTable();
  }

  redraw() {
    const begin = performance.now();
    const many = this.lines.draw();
    this.highlight();
    for (const item of document.querySelectorAll(".legend [data-when]")) {
      item.hidden = (item.dataset.when === "many") !== many;
    }
    this.plot.dataset.redrawMs = (performance.now() - begin).toFixed(1);
  }

  highlight() {
    const runs = [this.picked, this.hovered].filter((run) => run !== null);
    this.lines.highlight(new Set(runs));
  }

  fillTable() {
    const { scene } = this;
    const kept = this.table.fill(this.picked);
    const total = scene.count(scene.shown);
    const limits = [...scene.limits.keys()].map((index) => scene.axes[index].title);
    this.element("kept").textContent =
      `${kept} of ${scene.offered} runs kept` +
      (total < scene.offered ? `, ${total} shown` : "") +
      (limits.length ? `; limits on ${limits.join(", ")}` : "") +
      (kept > this.table.rows ? `; the table has the first ${this.table.rows}.` : ".");
  }

  hover(event) {
    if (event.buttons && event.type === "pointermove") return;
    const box = this.plot.getBoundingClientRect();
    const [x, y] = [event.clientX - box.left, event.clientY - box.top];
    const inside = y > this.scene.top - 12 && y < this.scene.top + this.scene.height + 16;
    this.point(inside ? this.scene.nearest(x, y) : null, x, y);
  }

  // Show which run is pointed at: its line on top of all, its row, its values beside the pointer.
  point(run, x = 0, y = 0) {
    const tip = this.element("plot-tip");
    if (run !== this.hovered) {
      this.showLine(run);
      this.table.mark(run);
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
      [scene.objective.title, scene.objective.text(run) || "none"],
      ["stage", stages],
      ...(data.status[run] === COMPLETE ? [] : [["status", status]]),
      ...scene.visible().slice(0, -1).map((axis) => [axis.title, axis.text(run)]),
    ];
    for (const [term, value] of pairs) list.append(make("dt", "", term), make("dd", "", value));
    tip.replaceChildren(make("strong", "", data.runs[run]), list);
  }

  showLine(run) {
    this.hovered = run;
    this.highlight();
  }

  // Keep a run's line marked and its row first; picked again, let it go.
  pick(run) {
    this.picked = run === this.picked ? null : run;
    this.highlight();
    this.fillTable();
  }
}
