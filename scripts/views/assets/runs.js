// The runs as the page brings them, made ready: each axis with every run's place on it.

const COMPLETE = 0;
const PRUNED = 1;
const DIVERGED = 2;

// Return the axes. `at` has the runs' places from 0 (foot) to 1 (top), which limits go by; `line`
// the same with runs of one value fanned out, which lines go through; `levels` the distinct places
// with their texts, from foot to top.
function readAxes(data) {
  const size = data.runs.length;
  return data.axes.map((axis, index) => {
    // A few values: their number in the list of levels. Many: ten-thousandths of the axis.
    const level = typeof axis.level === "number" ? Array(size).fill(axis.level) : axis.level;
    const at = Float32Array.from(level ?? axis.place, (n) => (level ? axis.levels[n][0] : n / 1e4));
    const text = level ? (run) => axis.levels[level[run]][1] : (run) => axis.texts[run];
    return {
      ...axis,
      index,
      at,
      text,
      levels: axis.levels ?? levelsOf(at, axis.texts),
      line: axis.objective ? at : fanOut(at, data),
    };
  });
}

function levelsOf(at, texts) {
  const found = new Map();
  at.forEach((place, run) => found.set(place, texts[run]));
  return [...found].sort((a, b) => a[0] - b[0]);
}

// Runs of a grid meet at the same values; a little room, in the order of the objective, lets each
// line be seen. The fan takes at most a twentieth of the axis.
function fanOut(at, data) {
  const width = at.length <= 200 ? 0.006 : 0.001;
  const members = new Map();
  at.forEach((place, run) => members.set(place, [...(members.get(place) ?? []), run]));
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
