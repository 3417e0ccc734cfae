// The runs' lines on three canvases: those that a limit filters out (faint), those that are kept
// (coloured), and those that are pointed at or picked.

// Beyond this many kept runs their lines are one picture, on which the best few are drawn.
const MANY = 1200;
const BEST = 20;

class Lines {
  constructor(scene, canvases) {
    this.scene = scene;
    this.canvases = canvases;
    this.layout();
  }

  layout() {
    const { scene } = this;
    const ratio = Math.min(window.devicePixelRatio || 1, 2);
    for (const canvas of this.canvases) {
      canvas.width = Math.round(scene.width * ratio);
      canvas.height = Math.round(scene.bottom * ratio);
      canvas.style.width = `${scene.width}px`;
      canvas.style.height = `${scene.bottom}px`;
      canvas.getContext("2d").setTransform(ratio, 0, 0, ratio, 0, 0);
    }
    this.context = null;
    this.field = null;
  }

  colours() {
    const css = getComputedStyle(document.documentElement);
    const read = (name) => css.getPropertyValue(name).trim();
    const dark = window.matchMedia("(prefers-color-scheme: dark)").matches;
    return {
      ramp: this.scene.data.ramps[dark ? "dark" : "light"],
      faint: read("--line-faint"),
      unfinished: read("--line-unfinished"),
      best: read("--line-best"),
      halo: read("--surface"),
    };
  }

  clear(canvas) {
    const context = canvas.getContext("2d");
    context.clearRect(0, 0, this.scene.width, this.scene.bottom);
    context.setLineDash([]);
    context.lineJoin = "round";
    return context;
  }

  // Draw all anew. Return whether lines are one picture, of which the legend speaks.
  draw() {
    const { scene } = this;
    const { data } = scene;
    const colours = this.colours();
    this.drawContext(colours);
    const context = this.clear(this.canvases[1]);
    const kept = scene.drawOrder.filter((run) => scene.kept[run]);
    const done = kept.filter((run) => data.status[run] === COMPLETE);
    const many = kept.length > MANY;
    if (many) {
      const unfinished = kept.filter((run) => data.status[run] !== COMPLETE);
      this.drawField(context, unfinished, [colours.unfinished]);
      this.drawField(context, done, colours.ramp);
      context.lineWidth = 1.5;
      this.strokeShades(context, done.slice(-BEST), colours);
    } else {
      for (const [dash, statuses] of [[[1.5, 4], [DIVERGED, FAILED]], [[7, 4], [PRUNED]]]) {
        context.strokeStyle = colours.unfinished;
        context.setLineDash(dash);
        context.lineWidth = kept.length > 300 ? 1 : 1.3;
        this.stroke(context, kept.filter((run) => statuses.includes(data.status[run])));
      }
      context.setLineDash([]);
      context.lineWidth = kept.length > 300 ? 0.9 : 1.3;
      this.strokeShades(context, done, colours);
    }
    context.strokeStyle = colours.best;
    context.lineWidth = 3;
    this.stroke(context, done.filter((run) => data.rank[run] === 1));
    return many;
  }

  // What limits filter out stays the same while they move.
  drawContext(colours) {
    const { scene } = this;
    const limited = scene.kept.some((kept, run) => kept !== scene.shown[run]);
    this.canvases[0].hidden = !limited;
    const state = colours.faint + scene.shown.join("");
    if (!limited || this.context === state) return;
    this.context = state;
    const context = this.clear(this.canvases[0]);
    const shown = scene.drawOrder.filter((run) => scene.shown[run]);
    context.strokeStyle = colours.faint;
    context.lineWidth = 1;
    if (shown.length > MANY) this.drawField(context, shown, [colours.faint]);
    else this.stroke(context, shown);
  }

  drawField(context, runs, colours) {
    const { scene } = this;
    this.field ??= new Field(scene.width, scene.bottom);
    const shades = colours.length > 1 ? scene.shades : new Uint8Array(scene.size);
    this.field.draw(context, runs, scene.columns, shades, colours);
  }

  // Each run in the colour of its objective; `runs` come worst first.
  strokeShades(context, runs, colours) {
    const groups = colours.ramp.map(() => []);
    for (const run of runs) groups[this.scene.shades[run]].push(run);
    groups.forEach((group, shade) => {
      context.strokeStyle = colours.ramp[shade];
      this.stroke(context, group);
    });
  }

  // Short paths: rasterising time grows faster than a path's length.
  stroke(context, runs) {
    for (let i = 0; i < runs.length; i += 8) {
      context.beginPath();
      for (const run of runs.slice(i, i + 8)) this.trace(context, run);
      context.stroke();
    }
  }

  trace(context, run) {
    const { columns } = this.scene;
    context.moveTo(columns[0].x, columns[0].heights[run]);
    for (const { x, heights } of columns.slice(1)) context.lineTo(x, heights[run]);
  }

  highlight(runs) {
    const context = this.clear(this.canvases[2]);
    const colours = this.colours();
    for (const run of runs) {
      for (const [colour, width] of [[colours.halo, 7], [colours.best, 3.5]]) {
        context.strokeStyle = colour;
        context.lineWidth = width;
        context.beginPath();
        this.trace(context, run);
        context.stroke();
      }
    }
  }
}
