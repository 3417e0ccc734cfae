// What the plot shows: the axes in their order, the runs that the controls show and, of these, those
// that the limits keep.

class Scene {
  constructor(data) {
    this.data = data;
    this.size = data.runs.length;
    this.axes = readAxes(data);
    this.objective = this.axes[this.axes.length - 1];
    this.order = this.axes.slice(0, -1).map((axis) => axis.index);
    this.limits = new Map();
    this.filter = { kind: "all", amount: 10, stage: null, unfinished: true, constant: false };
    this.shown = new Uint8Array(this.size);
    this.kept = new Uint8Array(this.size);
    // Worst first, so that the best are drawn last and lie on top.
    this.drawOrder = [...data.runs.keys()].sort((a, b) => data.standing[b] - data.standing[a]);
    const [low, high] = this.objective.scale;
    const last = data.ramps.light.length - 1;
    this.shades = Uint8Array.from(this.objective.at, (place) => {
      const share = Math.min(1, Math.max(0, (place - low) / (high - low || 1)));
      return Math.round(last * (data.sign > 0 ? share : 1 - share));
    });
    this.select();
  }

  // The axes that are drawn, left to right; the objective is always the rightmost. Those that are
  // constant in the stage that is shown are left out, but never one that has a limit.
  visible() {
    const { constant } = this.filter;
    const drawn = ({ index }) => constant || this.varying.has(index) || this.limits.has(index);
    return [...this.order.map((index) => this.axes[index]).filter(drawn), this.objective];
  }

  move(index, by) {
    const visible = this.visible().slice(0, -1).map((axis) => axis.index);
    const goal = visible[visible.indexOf(index) + by];
    if (goal === undefined || goal === index) return false;
    const to = this.order.indexOf(goal);
    this.order.splice(this.order.indexOf(index), 1);
    this.order.splice(to, 0, index);
    return true;
  }

  count(marks) {
    return marks.reduce((sum, mark) => sum + mark, 0);
  }

  // Decide which runs the controls show. Stages that stand aside, the confirmation, are shown when
  // asked for by name alone.
  select() {
    const { stage, unfinished, kind, amount } = this.filter;
    const { data } = this;
    const offered = Uint8Array.from(data.stage, (stages) =>
      stages.some((own) => own === stage || (stage === null && !data.aside.includes(own))) ? 1 : 0,
    );
    this.offered = this.count(offered);
    this.varying = new Set(
      this.axes.filter((axis) => varies(axis, offered)).map((axis) => axis.index),
    );
    offered.forEach((own, run) => {
      this.shown[run] = own && (unfinished || data.status[run] === COMPLETE) ? 1 : 0;
    });
    if (kind !== "all") {
      const ranks = data.rank.filter((rank, run) => rank && offered[run]).sort((a, b) => a - b);
      const wanted = kind === "count" ? amount : Math.ceil((ranks.length * amount) / 100);
      // runs that tie with the last one are shown too
      const worst = ranks[Math.min(wanted, ranks.length) - 1] ?? 0;
      data.rank.forEach((rank, run) => {
        if (!rank || rank > worst) this.shown[run] = 0;
      });
    }
    this.keep();
  }

  // Decide which of the shown runs the limits keep.
  keep() {
    this.kept.set(this.shown);
    for (const [index, [low, high]] of this.limits) {
      const { at } = this.axes[index];
      for (let run = 0; run < this.size; run += 1) {
        if (at[run] < low - 1e-4 || at[run] > high + 1e-4) this.kept[run] = 0;
      }
    }
  }

  // Lay the axes out over `room` pixels; a plot wider than its room scrolls.
  layout(room) {
    const axes = this.visible();
    this.left = 64;
    this.top = 86;
    this.height = 380;
    this.bottom = this.top + this.height + 24;
    this.width = Math.max(room, this.left + 84 + 96 * (axes.length - 1));
    const step = (this.width - this.left - 84) / (axes.length - 1);
    this.columns = axes.map((axis, i) => ({
      axis,
      x: axes.length > 1 ? this.left + i * step : this.width / 2,
      heights: axis.line.map((place) => this.y(place)),
    }));
  }

  y(position) {
    return this.top + (1 - position) * this.height;
  }

  // The kept run whose line passes nearest to a point, or null beyond 14 pixels.
  nearest(x, y) {
    const { columns } = this;
    let left = columns.findIndex((column, i) => i + 1 === columns.length || columns[i + 1].x >= x);
    left = Math.max(0, Math.min(left, columns.length - 2));
    if (columns.length < 2) return null;
    const [from, to] = [columns[left], columns[left + 1]];
    const share = Math.min(1, Math.max(0, (x - from.x) / (to.x - from.x)));
    let found = null;
    let best = 14;
    for (const run of this.drawOrder) {
      if (!this.kept[run]) continue;
      const start = from.heights[run];
      const end = to.heights[run];
      const slope = (end - start) / (to.x - from.x);
      const distance = Math.abs(start + share * (end - start) - y) / Math.hypot(1, slope);
      if (distance <= best) [found, best] = [run, distance];
    }
    return found;
  }
}
