// One axis of the plot: its name (which moves it), its ticks, and two limits that keep runs. The
// limits are sliders: they can be dragged, and moved with the keys that every slider has.

const STEPS = 50;

function make(tag, classes = "", text = "") {
  const element = document.createElement(tag);
  if (classes) element.className = classes;
  if (text) element.textContent = text;
  return element;
}

// A name that may break after its underscores.
function breakable(element, name) {
  for (const part of name.split(/(?<=_)/)) {
    element.append(part, document.createElement("wbr"));
  }
}

class AxisView {
  constructor(axis, scene, changed) {
    this.axis = axis;
    this.scene = scene;
    this.changed = changed;
    this.stops = stopsOf(axis);
    this.root = make("div", axis.objective ? "axis objective" : "axis");
    this.root.setAttribute("role", "group");
    this.root.setAttribute("aria-label", axis.title);
    this.root.append(this.makeName(), this.makeTrack());
    if (axis.other) this.root.append(this.makeScale());
    this.update();
  }

  makeName() {
    const { axis } = this;
    const name = make(axis.objective ? "div" : "button", "axis-name");
    const label = make("span");
    breakable(label, axis.title);
    name.append(label);
    if (axis.unit) name.append(make("small", "", axis.unit));
    if (!axis.objective) {
      name.type = "button";
      name.title = "Drag, or press left and right, to move this axis";
      name.addEventListener("keydown", (event) => this.moveByKey(event));
      name.addEventListener("pointerdown", (event) => this.moveByPointer(event));
    }
    this.name = name;
    return name;
  }

  makeTrack() {
    const { axis, scene } = this;
    this.track = make("div", "track");
    const [start, end] = axis.scale;
    const line = make("div", "axis-line");
    line.style.bottom = `${100 * start}%`;
    line.style.top = `${100 * (1 - end)}%`;
    if (axis.places.length) this.track.append(make("div", "axis-gap"));
    this.track.append(line);
    if (axis.objective && scene.data.band) {
      const [low, high] = scene.data.band;
      const band = make("div", "noise");
      band.style.bottom = `${100 * low}%`;
      band.style.height = `${100 * (high - low)}%`;
      band.title = scene.data.noise;
      this.track.append(band);
    }
    if (axis.objective && scene.data.mean !== null) {
      const mean = make("div", "noise-mean");
      mean.style.bottom = `${100 * scene.data.mean}%`;
      this.track.append(mean);
    }
    for (const [place, text] of axis.ticks) {
      const tick = make("span", "tick");
      breakable(tick, text);
      tick.style.bottom = `${100 * place}%`;
      this.track.append(tick);
    }
    this.range = make("div", "range");
    this.thumbs = [this.makeThumb(0), this.makeThumb(1)];
    this.track.append(this.range, ...this.thumbs);
    this.track.addEventListener("pointerdown", (event) => this.dragLimits(event));
    this.track.addEventListener("dblclick", () => this.setLimits(0, 1));
    return this.track;
  }

  // The scale's name, which turns the axis to the other one.
  makeScale() {
    const { axis } = this;
    const button = make("button", "axis-scale", axis.log ? "log" : "linear");
    button.type = "button";
    button.title = `Turn to a ${axis.log ? "linear" : "logarithmic"} scale`;
    button.setAttribute("aria-label", `${button.textContent} scale of ${axis.title}`);
    button.addEventListener("click", () => {
      swapScale(axis);
      this.scene.limits.delete(axis.index);
      this.changed("scale");
    });
    this.scale = button;
    return button;
  }

  makeThumb(side) {
    const thumb = make("span", side ? "thumb upper" : "thumb lower");
    thumb.tabIndex = 0;
    thumb.setAttribute("role", "slider");
    thumb.setAttribute("aria-orientation", "vertical");
    thumb.setAttribute("aria-label", `${this.axis.title}, ${side ? "upper" : "lower"} limit`);
    thumb.setAttribute("aria-valuemin", "0");
    thumb.setAttribute("aria-valuemax", "100");
    thumb.addEventListener("keydown", (event) => this.limitByKey(event, side));
    return thumb;
  }

  limits() {
    return this.scene.limits.get(this.axis.index) ?? [0, 1];
  }

  setLimits(low, high) {
    if (low <= 0 && high >= 1) this.scene.limits.delete(this.axis.index);
    else this.scene.limits.set(this.axis.index, [Math.max(0, low), Math.min(1, high)]);
    this.update();
    this.changed("limits");
  }

  limitByKey(event, side) {
    const limits = [...this.limits()];
    const jumps = { ArrowUp: 1, ArrowRight: 1, ArrowDown: -1, ArrowLeft: -1, PageUp: 5, PageDown: -5 };
    if (event.key in jumps) {
      const by = jumps[event.key];
      for (let i = 0; i < Math.abs(by); i += 1) limits[side] = this.nextStop(limits[side], by);
    } else if (event.key === "Home") limits[side] = side ? limits[0] : 0;
    else if (event.key === "End") limits[side] = side ? 1 : limits[1];
    else if (event.key === "Escape") [limits[0], limits[1]] = [0, 1];
    else return;
    event.preventDefault();
    if (limits[0] <= limits[1]) this.setLimits(...limits);
  }

  nextStop(from, by) {
    const beyond = this.stops.filter((stop) => (by > 0 ? stop > from + 1e-6 : stop < from - 1e-6));
    return (by > 0 ? beyond[0] : beyond[beyond.length - 1]) ?? from;
  }

  position(event) {
    const box = this.track.getBoundingClientRect();
    return Math.min(1, Math.max(0, (box.bottom - event.clientY) / box.height));
  }

  // Drag a limit, the whole range, or, from elsewhere, a new range.
  dragLimits(event) {
    if (event.button !== 0) return;
    event.preventDefault();
    const start = this.position(event);
    const [low, high] = this.limits();
    const reach = 9 / this.track.getBoundingClientRect().height;
    const limited = this.scene.limits.has(this.axis.index);
    let follow = (p) => [Math.min(start, p), Math.max(start, p)];
    if (Math.abs(start - low) < reach) follow = (p) => [Math.min(p, high), high];
    else if (Math.abs(start - high) < reach) follow = (p) => [low, Math.max(p, low)];
    else if (limited && start > low && start < high) {
      follow = (p) => {
        const by = Math.min(1 - high, Math.max(-low, p - start));
        return [low + by, high + by];
      };
    }
    let moved = false;
    drag(this.track, event, (move) => {
      const at = this.position(move);
      if (!moved && Math.abs(at - start) * this.scene.height < 3) return;
      moved = true;
      this.setLimits(...follow(at));
    });
  }

  moveByKey(event) {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!by) return;
    event.preventDefault();
    if (this.scene.move(this.axis.index, by)) this.changed("order");
    this.name.focus();
  }

  moveByPointer(event) {
    if (event.button !== 0) return;
    // An element that moves in the document loses the pointer, so that waits for the release.
    this.scene.dragging = true;
    const stop = () => {
      this.scene.dragging = false;
      this.changed("order");
    };
    const follow = (move) => {
      const box = this.root.parentElement.getBoundingClientRect();
      const x = move.clientX - box.left;
      const places = this.scene.columns.map((column) => column.x);
      const at = this.scene.columns.findIndex(({ axis }) => axis === this.axis);
      let goal = at;
      while (goal < places.length - 2 && x > places[goal + 1] - 20) goal += 1;
      while (goal > 0 && x < places[goal - 1] + 20) goal -= 1;
      if (this.scene.move(this.axis.index, goal - at)) this.changed("order");
    };
    drag(this.name, event, follow, stop);
  }

  update() {
    const [low, high] = this.limits();
    this.range.style.bottom = `${100 * low}%`;
    this.range.style.height = `${100 * (high - low)}%`;
    this.root.classList.toggle("limited", this.scene.limits.has(this.axis.index));
    const inside = this.axis.levels.filter(([at]) => at >= low - 1e-4 && at <= high + 1e-4);
    const ends = [inside[0], inside[inside.length - 1]];
    this.thumbs.forEach((thumb, side) => {
      const limit = side ? high : low;
      thumb.style.bottom = `${100 * limit}%`;
      thumb.setAttribute("aria-valuenow", String(Math.round(100 * limit)));
      thumb.setAttribute("aria-valuetext", ends[side] ? ends[side][1] || "no value" : "no run");
    });
  }
}

// Follow the pointer from its press on `element` to its release.
function drag(element, event, moved, stopped = () => {}) {
  element.setPointerCapture(event.pointerId);
  const stop = () => {
    stopped();
    element.removeEventListener("pointermove", moved);
    element.removeEventListener("pointerup", stop);
    element.removeEventListener("pointercancel", stop);
  };
  element.addEventListener("pointermove", moved);
  element.addEventListener("pointerup", stop);
  element.addEventListener("pointercancel", stop);
}

// Where the keys put a limit: between the levels of few, else at even steps.
function stopsOf(axis) {
  const places = axis.levels.map(([place]) => place);
  if (places.length > STEPS) return Array.from({ length: STEPS + 1 }, (_, i) => i / STEPS);
  const between = places.slice(1).map((place, i) => (place + places[i]) / 2);
  return [...new Set([0, ...between, 1])];
}
