// A heat map of dimensions by betas, on a logarithmic scale of colours, and a line at the stop of
// beta under the hand. Exported by name: what heat.test.js tests.

import { drawn, upright, written } from "./axes.js";
import { Follower, filled, follow } from "./follower.js";

const MARGIN = { left: 44, right: 76, top: 22, bottom: 40 }; // pixels, for the axes and titles
const SCALE = { away: 14, width: 10 }; // of colours, pixels
const ROOM = { row: 12, column: 46 }; // pixels that a number takes
const FEW = 4; // rows
const DECADES = [-3, 1]; // of the scale's ends, nats; less and more look like these

// From 0 to 1: how far along the scale a value lies.
export const level = value => {
  const [low, high] = DECADES;
  return Math.min(1, Math.max(0, (Math.log10(Math.max(value, 1e-9)) - low) / (high - low)));
};

// The colour between those of a scale, which are equally far apart, each (red, green, blue).
export function colourAt(scale, share) {
  const place = share * (scale.length - 1);
  const first = Math.min(scale.length - 2, Math.floor(place));
  return scale[first].map((from, channel) =>
    Math.round(from + (place - first) * (scale[first + 1][channel] - from)),
  );
}

// Every how manyth of so many numbers there is room for.
export const every = (count, length, room) =>
  Math.max(1, Math.ceil(count / Math.max(1, Math.floor(length / room))));

class HeatView extends Follower {
  constructor(root) {
    super(root);
    for (const name of ["plot", "drawing", "overlay", "tip"])
      this[name] = root.querySelector(`.${name}`);
    this.canvas = root.querySelector("canvas");
    this.plot.addEventListener("pointermove", event => this.point(event));
    this.plot.addEventListener("pointerleave", () => this.point(null));
    this.resized = new ResizeObserver(() => this.build());
    this.resized.observe(this.plot);
  }

  changed() {
    this.root.style.setProperty("--now", this.data.colours.now);
    this.rates = this.pages.find(page => page?.rates)?.rates;
    this.inner = null; // another model's drawing stays until this one's has come
    if (!this.rates) return;
    const { dimensions, order, means } = this.rates;
    this.means = this.player.numbers(means);
    this.root.classList.toggle("low", dimensions <= FEW);
    const { canvas, data } = this;
    const count = data.labels.length;
    Object.assign(canvas, { width: count, height: dimensions });
    const image = new ImageData(count, dimensions);
    for (const [row, dimension] of order.entries())
      for (let stop = 0; stop < count; stop += 1) {
        const value = this.means[stop * dimensions + dimension];
        const colour = colourAt(data.colours.scale, level(value));
        image.data.set([...colour, 255], 4 * (row * count + stop));
      }
    canvas.getContext("2d").putImageData(image, 0, 0);
    this.plot.setAttribute("aria-label", data.alt);
    this.build();
  }

  build() {
    const { plot, data, rates, canvas } = this;
    const [width, height] = [plot.clientWidth, plot.clientHeight];
    if (!rates || !width) return;
    const { left, top } = MARGIN;
    const inner = { width: width - left - MARGIN.right, height: height - top - MARGIN.bottom };
    this.inner = inner;
    const bottom = top + inner.height;
    for (const [name, value] of Object.entries({ left, top, ...inner }))
      canvas.style[name] = `${value}px`;
    for (const svg of [this.drawing, this.overlay])
      svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    const { order, dimensions } = rates;
    const { words, labels } = data;
    const parts = [];
    const rowStep = every(dimensions, inner.height, ROOM.row);
    for (let row = 0; row < dimensions; row += rowStep) {
      const y = top + ((row + 0.5) / dimensions) * inner.height;
      const place = { x: left - 6, y, "text-anchor": "end", "dominant-baseline": "central" };
      parts.push(written(order[row] + 1, place));
    }
    const stopStep = every(labels.length, inner.width, ROOM.column);
    for (let stop = 0; stop < labels.length; stop += stopStep) {
      const place = { x: this.across(stop), y: bottom + 16, "text-anchor": "middle" };
      parts.push(written(labels[stop], place));
    }
    const middle = { x: left + inner.width / 2, y: height - 5, "text-anchor": "middle" };
    parts.push(written(words.across, { class: "name", ...middle }));
    parts.push(upright(words.down, 12, top + inner.height / 2));
    this.drawing.replaceChildren(...parts, ...this.scale(left + inner.width, top, inner.height));
    this.line = drawn("path", { class: "now", d: `M0 ${top}V${bottom}` });
    this.beta = written("", { class: "beta", y: top - 7, "text-anchor": "middle" });
    this.overlay.replaceChildren(this.line, this.beta);
    this.draw();
  }

  // The scale of colours, with its numbers.
  scale(right, top, height) {
    const { colours, words, ticks } = this.data;
    const x = right + SCALE.away;
    const gradient = drawn("linearGradient", { id: "scale", x1: 0, y1: 1, x2: 0, y2: 0 });
    for (const [number, colour] of colours.scale.entries()) {
      const offset = number / (colours.scale.length - 1);
      gradient.append(drawn("stop", { offset, "stop-color": `rgb(${colour})` }));
    }
    const size = { width: SCALE.width, height };
    const box = drawn("rect", { x, y: top, fill: "url(#scale)", ...size });
    const numbers = ticks.map(({ value, text }) =>
      written(text, {
        x: x + SCALE.width + 4,
        y: top + (1 - level(value)) * height,
        "dominant-baseline": "central",
      }),
    );
    const name = written(words.scale, { class: "name", x: x - 4, y: top - 7 });
    return [gradient, box, ...numbers, name];
  }

  across(stop) {
    return MARGIN.left + ((stop + 0.5) / this.data.labels.length) * this.inner.width;
  }

  draw() {
    if (!this.line || !this.inner || this.index === undefined) return;
    const x = this.across(this.index);
    this.line.setAttribute("transform", `translate(${x} 0)`);
    this.beta.setAttribute("x", x);
    this.beta.textContent = this.data.labels[this.index];
  }

  // The value below the pointer.
  point(event) {
    const { data, inner, plot, rates, tip } = this;
    const x = event ? (event.offsetX - MARGIN.left) / inner?.width : -1;
    const y = event ? (event.offsetY - MARGIN.top) / inner?.height : -1;
    tip.hidden = !(x >= 0 && x < 1 && y >= 0 && y < 1);
    if (tip.hidden) return;
    const stop = Math.floor(x * data.labels.length);
    const dimension = rates.order[Math.floor(y * rates.dimensions)];
    tip.textContent = filled(data.words.point, {
      dimension: dimension + 1,
      beta: data.labels[stop],
      value: this.means[stop * rates.dimensions + dimension].toFixed(3),
    });
    tip.style.left = `${event.offsetX}px`;
    tip.style.top = `${event.offsetY}px`;
    tip.style.setProperty("--share", event.offsetX / plot.clientWidth);
  }
}

export default follow(HeatView, ".film-heat");
