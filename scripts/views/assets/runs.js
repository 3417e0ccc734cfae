// The runs as the page brings them, made ready: each axis with every run's place on it.

const COMPLETE = 0;
const PRUNED = 1;
const DIVERGED = 2;
const FAILED = 3;

// What differs between an axis's scales, linear and logarithmic.
const SCALE = ["log", "scale", "places", "ticks", "at", "line", "levels"];

// Return the axes. `at` has the runs' places from 0 (foot) to 1 (top), which limits go by; `line`
// the same with runs of one value fanned out, which lines go through; `levels` the distinct places
// with their texts, from foot to top; `other` all of these on the axis's other scale.
function readAxes(data) {
  return data.axes.map((axis, index) => {
    const { texts, levels } = axis;
    const level = levelNumbers(axis, data);
    const text = level ? (run) => levels[level[run]][1] : (run) => texts[run];
    const other = axis.other && readScale(axis.other, data, text);
    return { ...axis, ...readScale(axis, data, text), index, text, other };
  });
}

// A few values: each run's number in the list of levels, or one number for all.
function levelNumbers(axis, data) {
  return axis.level === 0 ? Array(data.runs.length).fill(0) : axis.level;
}

function readScale(axis, data, text) {
  const level = levelNumbers(axis, data);
  // many values: ten-thousandths of the axis
  const at = Float32Array.from(level ?? axis.place, (n) => (level ? axis.levels[n][0] : n / 1e4));
  return {
    ...axis,
    at,
    levels: axis.levels ?? levelsOf(at, text),
    line: axis.objective ? at : fanOut(at, data),
  };
}

// Turn an axis from one scale to its other.
function swapScale(axis) {
  for (const name of SCALE) [axis[name], axis.other[name]] = [axis.other[name], axis[name]];
}

function levelsOf(at, text) {
  const found = new Map();
  at.forEach((place, run) => found.set(place, text(run)));
  return [...found].sort((a, b) => a[0] - b[0]);
}

// Runs of a grid meet at the same values; a little room, in the order of the objective, lets each
// line be seen. The fan takes at most a twentieth of the axis.
function fanOut(at, data) {
  const width = at.length <= 200 ? 0.006 : 0.001;
  const members = new Map();
  at.forEach((place, run) => {
    const others = members.get(place);
    if (others) others.push(run);
    else members.set(place, [run]);
  });
  const line = Float32Array.from(at);
  for (const runs of members.values()) {
    if (runs.length === 1) continue;
    runs.sort((a, b) => data.sign * (data.standing[b] - data.standing[a]));
    const room = Math.min(0.05, width * (runs.length - 1));
    runs.forEach((run, rank) => {
      line[run] += room * (rank / (runs.length - 1) - 0.5);
    });
  }
  return line;
}

// Tell whether an axis has more than one value among the runs of `among` (1 for each that counts).
function varies(axis, among) {
  const first = among.indexOf(1);
  if (first < 0) return false;
  const text = axis.text(first);
  return among.some((counts, run) => counts && axis.text(run) !== text);
}
