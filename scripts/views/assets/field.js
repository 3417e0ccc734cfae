// Thousands of lines as one picture: where many cross, a pixel has the mean colour of its runs, and
// the more of them the stronger. A canvas's own strokes would take a third of a second for 10,000
// lines, and show the last ones drawn alone.

// Pixels of the page that one column of the picture takes: between axes little happens in two.
const COARSE = 2;
// A pixel's lines are counted in units of this, the sum of their shades below it.
const UNIT = 2 ** 22;
const FAINTEST = 0.3;

class Field {
  constructor(width, height) {
    this.width = Math.ceil(width / COARSE);
    this.height = Math.ceil(height);
    this.sums = new Float64Array(this.width * this.height);
    this.picture = new OffscreenCanvas(this.width, this.height);
    this.pen = this.picture.getContext("2d");
    this.image = this.pen.createImageData(this.width, this.height);
  }

  // Draw the lines of `runs` with `context`; the rest is as for `add` and `write`.
  draw(context, runs, columns, shades, colours) {
    this.sums.fill(0);
    this.image.data.fill(0);
    this.add(runs, columns, shades);
    this.write(this.image.data, colours.map(rgb));
    this.pen.putImageData(this.image, 0, 0);
    context.drawImage(this.picture, 0, 0, COARSE * this.width, this.height);
  }

  // Add the lines of `runs`. `columns` have their x and the runs' heights in pixels of the page;
  // `shades` are by run.
  add(runs, columns, shades) {
    for (let i = 0; i + 1 < columns.length; i += 1) {
      const [from, to] = [columns[i], columns[i + 1]];
      const [left, right] = [from, to].map(({ x }) => Math.round(x / COARSE));
      this.addGap(runs, left, right, from.heights, to.heights, shades);
    }
  }

  // In each column of the picture a line is in one pixel. Its height is in 65536ths of a pixel, since
  // whole numbers are quick.
  addGap(runs, left, right, from, to, shades) {
    const { sums, width } = this;
    for (const run of runs) {
      const value = UNIT + shades[run];
      const step = ((to[run] - from[run]) * 65536) / (right - left) | 0;
      let height = (from[run] * 65536) | 0;
      for (let x = left; x < right; x += 1) {
        sums[Math.imul(height >> 16, width) + x] += value;
        height = (height + step) | 0;
      }
    }
  }

  // Write the picture's pixels into `image`: `colours` by shade, as [red, green, blue].
  write(image, colours) {
    const { sums } = this;
    let most = 1;
    for (let i = 0; i < sums.length; i += 1) if (sums[i] > most) most = sums[i];
    const scale = (1 - FAINTEST) / Math.log(Math.max(2, Math.floor(most / UNIT)));
    for (let i = 0; i < sums.length; i += 1) {
      const sum = sums[i];
      if (sum === 0) continue;
      const lines = Math.floor(sum / UNIT);
      const colour = colours[Math.round((sum - lines * UNIT) / lines)];
      const at = 4 * i;
      image[at] = colour[0];
      image[at + 1] = colour[1];
      image[at + 2] = colour[2];
      image[at + 3] = 255 * (FAINTEST + scale * Math.log(lines));
    }
  }
}

// "#rrggbb" as [red, green, blue].
function rgb(colour) {
  const value = parseInt(colour.slice(1), 16);
  return [(value >> 16) & 255, (value >> 8) & 255, value & 255];
}
