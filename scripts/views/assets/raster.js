// Thousands of lines as pixels. A canvas's own strokes are smooth but slow where nothing helps the
// processor: 10,000 lines take a third of a second there, and a few hundredths here.

class Raster {
  constructor(canvas) {
    this.context = canvas.getContext("2d");
    this.scale = canvas.width / parseFloat(canvas.style.width);
    this.image = this.context.createImageData(canvas.width, canvas.height);
    this.pixels = new Uint32Array(this.image.data.buffer);
    this.width = canvas.width;
    this.rows = canvas.height;
  }

  // Draw each run's line, in `order`. `axes` have their x in pixels of the page and the runs'
  // places, which `y` turns into pixels; `colours` are by run, 0 for none.
  draw(order, colours, axes, y) {
    const { rows, scale } = this;
    const seen = new Uint8Array(rows * rows);
    const wanted = new Int32Array(order.length);
    const row = (place) => Math.min(rows - 1, Math.max(0, Math.round(y(place) * scale)));
    const heights = axes.map(({ places }) => Int32Array.from(places, row));
    for (let i = 0; i + 1 < axes.length; i += 1) {
      const [from, to] = [heights[i], heights[i + 1]];
      const [left, right] = [axes[i], axes[i + 1]].map(({ x }) => Math.round(x * scale));
      // Of lines on the same pixels only the last one shows: draw no other.
      let count = 0;
      seen.fill(0);
      for (let k = order.length - 1; k >= 0; k -= 1) {
        const run = order[k];
        const pair = from[run] * rows + to[run];
        if (colours[run] === 0 || seen[pair]) continue;
        seen[pair] = 1;
        wanted[count] = run;
        count += 1;
      }
      for (let k = count - 1; k >= 0; k -= 1) {
        const run = wanted[k];
        if (from[run] <= to[run]) this.segment(left, right, 1, from[run], to[run], colours[run]);
        else this.segment(right - 1, left - 1, -1, to[run], from[run], colours[run]);
      }
    }
    this.context.putImageData(this.image, 0, 0);
  }

  // A line from `x` to `end` and down from `top` to `bottom`: in each column of pixels the stretch
  // that it crosses. Heights are in 65536ths of a pixel, since whole numbers are quick.
  segment(x, end, by, top, bottom, colour) {
    const { pixels, width } = this;
    const step = (((bottom - top) * 65536) / Math.abs(end - x)) | 0;
    let height = (top << 16) | 0;
    for (; x !== end; x += by) {
      let at = Math.imul(height >> 16, width) + x;
      height = (height + step) | 0;
      const stop = Math.imul(height >> 16, width) + x;
      do {
        pixels[at] = colour;
        at += width;
      } while (at <= stop);
    }
  }
}

// "#rrggbb" as a pixel: red in the lowest byte.
function pixelOf(colour) {
  const value = parseInt(colour.slice(1), 16);
  const [red, green, blue] = [(value >> 16) & 255, (value >> 8) & 255, value & 255];
  return ((255 << 24) | (blue << 16) | (green << 8) | red) >>> 0;
}
