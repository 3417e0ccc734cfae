// The runs, which of them are kept, and their lines on three canvases: those that are filtered out
// by a limit (faint), those that are kept (coloured), and the one under the pointer.

const COMPLETE = 0;
const PRUNED = 1;
const DIVERGED = 2;
// Beyond this many runs lines are drawn pixel by pixel, and dashes would not be seen.
const MANY = 1200;

class Scene {
  constructor(data, canvases) {
    this.data = data;
    this.canvases = canvases;
    this.size = data.runs.length;
    this.axes = data.axes.map((axis, index) => ({
      ...axis,
      index,
      at: Float32Array.from(axis.place),
      line: Float32Array.from(axis.fanned ?? axis.place),
      levels: axis.levels ?? levelsOf(axis),
    }));
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
    this.shades = Uint8Array.from(this.objective.place, (place) => {
      const share = Math.min(1, Math.max(0, (place - low) / (high - low || 1)));
      return Math.round(last * (data.sign > 0 ? share : 1 - share));
    });
    this.select();
  }

  // The axes that are drawn, left to right; the objective is always the rightmost.
  visible() {
    const axes = this.order.map((index) => this.axes[index]);
    return [...axes.filter((axis) => this.filter.constant || !axis.constant), this.objective];
  }

  text(axis, run) {
    if (axis.texts) return axis.texts[run];
    const level = axis.levels.find(([place]) => place === axis.place[run]);
    return level ? level[1] : "";
  }

  move(index, by) {
    const visible = this.visible().slice(0, -1).map((axis) => axis.index);
    const goal = visible[visible.indexOf(index) + by];
    if (goal === undefined) return false;
    const to = this.order.indexOf(goal);
    this.order.splice(this.order.indexOf(index), 1);
    this.order.splice(to, 0, index);
    return true;
  }

  // Decide which runs the controls show and, of these, which the limits keep. Stages that stand
  // aside, the confirmation, are shown when asked for by name alone.
  select() {
    const { stage, unfinished, kind, amount } = this.filter;
    const { data } = this;
    let ranks = [];
    this.offered = 0;
    for (let run = 0; run < this.size; run += 1) {
      const inStage = data.stage[run].some(
        (own) => own === stage || (stage === null && !data.aside.includes(own)),
      );
      this.shown[run] = inStage && (unfinished || data.status[run] === COMPLETE) ? 1 : 0;
      this.offered += inStage || stage !== null ? 1 : 0;
      if (inStage && data.rank[run]) ranks.push(data.rank[run]);
    }
    if (kind !== "all") {
      ranks = ranks.sort((a, b) => a - b);
      const wanted = kind === "count" ? amount : Math.ceil((ranks.length * amount) / 100);
      // runs that tie with the last one are shown too
      const worst = ranks[Math.min(wanted, ranks.length) - 1] ?? 0;
      for (let run = 0; run < this.size; run += 1) {
        if (!data.rank[run] || data.rank[run] > worst) this.shown[run] = 0;
      }
    }
    this.contextIsOld = true;
    this.keep();
  }

  keep() {
    this.kept.set(this.shown);
    const drawn = new Set(this.visible().map((axis) => axis.index));
    for (const [index, [low, high]] of this.limits) {
      if (!drawn.has(index)) continue;
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
    this.width = Math.max(room, this.left + 84 + 96 * (axes.length - 1));
    const step = axes.length > 1 ? (this.width - this.left - 84) / (axes.length - 1) : 0;
    this.columns = axes.map((axis, i) => ({ axis, x: this.left + i * step }));
    if (axes.length === 1) this.columns[0].x = this.width / 2;
    const ratio = Math.min(window.devicePixelRatio || 1, 2);
    for (const canvas of this.canvases) {
      canvas.width = Math.round(this.width * ratio);
      canvas.height = Math.round((this.top + this.height + 24) * ratio);
      canvas.style.width = `${this.width}px`;
      canvas.style.height = `${this.top + this.height + 24}px`;
      canvas.getContext("2d").setTransform(ratio, 0, 0, ratio, 0, 0);
    }
    this.contextIsOld = true;
  }

  y(position) {
    return this.top + (1 - position) * this.height;
  }

  colours() {
    const css = getComputedStyle(document.documentElement);
    const read = (name) => css.getPropertyValue(name).trim();
    const dark = window.matchMedia("(prefers-color-scheme: dark)").matches;
    return {
      ramp: this.data.ramps[dark ? "dark" : "light"],
      faint: read("--line-faint"),
      unfinished: read("--line-unfinished"),
      best: read("--line-best"),
      halo: read("--surface"),
    };
  }

  trace(context, run) {
    const { columns } = this;
    context.moveTo(columns[0].x, this.y(columns[0].axis.line[run]));
    for (let i = 1; i < columns.length; i += 1) {
      context.lineTo(columns[i].x, this.y(columns[i].axis.line[run]));
    }
  }

  clear(canvas) {
    const context = canvas.getContext("2d");
    context.clearRect(0, 0, this.width, this.top + this.height + 24);
    context.setLineDash([]);
    context.lineJoin = "round";
    return context;
  }

  draw() {
    const colours = this.colours();
    const limited = this.kept.some((kept, run) => kept !== this.shown[run]);
    this.canvases[0].hidden = !limited;
    if (limited && this.contextIsOld) {
      this.drawContext(colours);
      this.contextIsOld = false;
    }
    const context = this.clear(this.canvases[1]);
    if (this.size > MANY) this.drawPixels(colours);
    else this.drawStrokes(context, colours);
    context.strokeStyle = colours.best;
    context.lineWidth = 3;
    this.strokeAll(context, (run) => this.kept[run] && this.data.rank[run] === 1);
  }

  drawContext(colours) {
    const context = this.clear(this.canvases[0]);
    if (this.size > MANY) {
      const faint = pixelOf(colours.faint);
      this.paint(this.canvases[0], Uint32Array.from(this.shown, (shown) => (shown ? faint : 0)));
      return;
    }
    context.strokeStyle = colours.faint;
    context.lineWidth = 1;
    this.strokeAll(context, (run) => this.shown[run]);
  }

  drawStrokes(context, colours) {
    const { data } = this;
    const many = this.size > 300;
    for (const status of [DIVERGED, PRUNED]) {
      context.strokeStyle = colours.unfinished;
      context.setLineDash(status === PRUNED ? [7, 4] : [1.5, 4]);
      context.lineWidth = many ? 1 : 1.3;
      this.strokeAll(context, (run) => this.kept[run] && data.status[run] === status);
    }
    context.setLineDash([]);
    for (let shade = 0; shade < colours.ramp.length; shade += 1) {
      context.strokeStyle = colours.ramp[shade];
      context.lineWidth = (many ? 0.9 : 1.3) + (shade > colours.ramp.length - 4 ? 0.5 : 0);
      this.strokeAll(
        context,
        (run) => this.kept[run] && data.status[run] === COMPLETE && this.shades[run] === shade,
      );
    }
  }

  drawPixels(colours) {
    const ramp = colours.ramp.map(pixelOf);
    const unfinished = pixelOf(colours.unfinished);
    const { data } = this;
    this.paint(
      this.canvases[1],
      Uint32Array.from(this.kept, (kept, run) => {
        if (!kept) return 0;
        return data.status[run] === COMPLETE ? ramp[this.shades[run]] : unfinished;
      }),
    );
  }

  paint(canvas, colours) {
    const lines = this.columns.map(({ axis, x }) => ({ x, places: axis.line }));
    new Raster(canvas).draw(this.drawOrder, colours, lines, (place) => this.y(place));
  }

  // Short paths: rasterising time grows faster than a path's length.
  strokeAll(context, wanted) {
    let pending = 0;
    context.beginPath();
    for (const run of this.drawOrder) {
      if (!wanted(run)) continue;
      this.trace(context, run);
      pending += 1;
      if (pending === 8) {
        context.stroke();
        context.beginPath();
        pending = 0;
      }
    }
    if (pending) context.stroke();
  }

  highlight(run) {
    const context = this.clear(this.canvases[2]);
    if (run === null) return;
    const colours = this.colours();
    for (const [colour, width] of [[colours.halo, 7], [colours.best, 3.5]]) {
      context.strokeStyle = colour;
      context.lineWidth = width;
      context.beginPath();
      this.trace(context, run);
      context.stroke();
    }
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
      const start = this.y(from.axis.line[run]);
      const end = this.y(to.axis.line[run]);
      const slope = (end - start) / (to.x - from.x);
      const distance = Math.abs(start + share * (end - start) - y) / Math.hypot(1, slope);
      if (distance <= best) [found, best] = [run, distance];
    }
    return found;
  }
}

// The distinct places of an axis with their texts, from foot to top.
function levelsOf(axis) {
  const texts = new Map();
  axis.place.forEach((place, run) => texts.set(place, axis.texts[run]));
  return [...texts].sort((a, b) => a[0] - b[0]);
}
