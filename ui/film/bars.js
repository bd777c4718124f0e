// The rate of each dimension at the stop of beta under the hand, most used first: the test set's
// mean beside this picture's. A click or a key chooses a dimension. Exported by name: what
// bars.test.js tests.

import { drawn, ticksTo, upright, written } from "./axes.js";
import { Follower, filled, follow, partAt } from "./follower.js";

const MARGIN = { left: 44, right: 8, top: 20, bottom: 38 }; // pixels, for the axes and titles
const GAP = 0.15; // between two dimensions' bars, as a share of a column
const ABOVE = 1.05; // of the largest rate: the axis' end
const ROOM = 17; // pixels that a number takes below its bars
const KEYS = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -5, PageUp: 5 };

// The dimensions by falling rate; equal ones stay in their order.
export const byRate = rates =>
  [...rates.keys()].sort((one, other) => rates[other] - rates[one] || one - other);

// The column below a place, from 0; null: beside them.
export function columnAt(x, { left, width, count }) {
  const column = Math.floor(((x - left) / width) * count);
  return column >= 0 && column < count ? column : null;
}

// The column after a key; null: another key.
export function stepped(column, { key, ctrlKey, metaKey, altKey }, count) {
  if (ctrlKey || metaKey || altKey) return null;
  const to = { Home: 0, End: count - 1 }[key] ?? (key in KEYS ? column + KEYS[key] : null);
  return to === null ? null : Math.min(count - 1, Math.max(0, to));
}

class BarsView extends Follower {
  constructor(root) {
    super(root);
    for (const name of ["plot", "drawing", "overlay", "tip", "cursor"])
      this[name] = root.querySelector(`.${name}`);
    const { plot } = this;
    plot.addEventListener("pointermove", event => this.point(this.columnOf(event)));
    plot.addEventListener("pointerleave", () => this.point(null));
    plot.addEventListener("click", event => this.choose(this.columnOf(event)));
    plot.addEventListener("keydown", event => this.key(event));
    plot.addEventListener("blur", () => {
      this.point(null);
      plot.removeAttribute("aria-activedescendant");
    });
    this.resized = new ResizeObserver(() => this.build());
    this.resized.observe(plot);
  }

  changed() {
    const { data, root } = this;
    for (const [name, colour] of Object.entries(data.colours))
      root.style.setProperty(`--${name}`, colour);
    for (const name of ["mean", "own"])
      root.querySelector(`.legend .${name} span`).textContent = data.words[name];
    const page = this.pages.find(page => page?.rates);
    if (!page) return; // another model's drawing stays until this one's has come
    this.rates = page.rates;
    this.means = this.player.numbers(this.rates.means);
    this.numbers = new Map();
    let most = Math.max(...this.means);
    for (const page of this.pages) {
      if (!page?.own) continue;
      const numbers = this.player.numbers(page.own.values);
      this.numbers.set(page.own, numbers);
      most = Math.max(most, ...numbers);
    }
    this.most = ABOVE * most;
    this.build();
  }

  // The rates of all dimensions at this stop; of this picture none where they aren't known yet.
  at(stop) {
    const { dimensions } = this.rates;
    const row = (numbers, place) => numbers.subarray(place * dimensions, (place + 1) * dimensions);
    const own = partAt(this.pages, page => page.own, stop);
    const numbers = own && this.numbers.get(own);
    return {
      mean: row(this.means, stop),
      own: numbers ? row(numbers, own.stops[stop]) : null,
      active: this.rates.active[stop],
    };
  }

  build() {
    const { plot, data, rates } = this;
    const [width, height] = [plot.clientWidth, plot.clientHeight];
    if (!rates || !width) return;
    const { left, top } = MARGIN;
    const inner = { width: width - left - MARGIN.right, height: height - top - MARGIN.bottom };
    const bottom = top + inner.height;
    Object.assign(this, { inner, bottom });
    for (const svg of [this.drawing, this.overlay])
      svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    const parts = [];
    for (const tick of ticksTo(this.most, inner.height / 42)) {
      const y = Math.round(this.down(tick)) + 0.5;
      parts.push(drawn("path", { class: "grid", d: `M${left} ${y}H${left + inner.width}` }));
      const place = { x: left - 8, y, "text-anchor": "end", "dominant-baseline": "central" };
      parts.push(written(String(tick), place));
    }
    parts.push(
      drawn("path", { class: "base", d: `M${left} ${bottom + 0.5}H${left + inner.width}` }),
    );
    const middle = { x: left + inner.width / 2, y: height - 5, "text-anchor": "middle" };
    parts.push(written(data.words.across, { class: "name", ...middle }));
    parts.push(upright(data.words.down, 12, top + inner.height / 2));
    this.drawing.replaceChildren(...parts);
    this.columns = Array.from({ length: rates.dimensions }, (_, column) => this.column(column));
    this.edge = drawn("path", { class: "edge", d: `M0 ${top}V${bottom}` });
    this.unused = written(`${data.words.unused} →`, { class: "unused", y: top + 10 });
    this.chosen = drawn("path", { class: "chosen", d: "M-6 -10H6L0 0z" });
    const box = { y: top, width: inner.width / rates.dimensions, height: inner.height };
    this.highlight = drawn("rect", { class: "at", visibility: "hidden", ...box });
    this.overlay.replaceChildren(
      this.highlight,
      ...this.columns.flatMap(Object.values).filter(Boolean),
      this.edge,
      this.unused,
      this.chosen,
    );
    this.draw();
  }

  // The two bars of a column, and where there is room its number.
  column(number) {
    const wide = this.inner.width / this.rates.dimensions;
    const width = (wide * (1 - GAP)) / 2;
    const x = MARGIN.left + number * wide + (wide * GAP) / 2;
    const step = Math.ceil(ROOM / wide);
    return {
      mean: drawn("rect", { class: "mean", x, width }),
      own: drawn("rect", { class: "own", x: x + width, width }),
      label:
        number % step === 0
          ? written("", { x: x + width, y: this.bottom + 14, "text-anchor": "middle" })
          : null,
    };
  }

  down(value) {
    return this.bottom - (value / this.most) * this.inner.height;
  }

  middle(column) {
    return MARGIN.left + ((column + 0.5) / this.rates.dimensions) * this.inner.width;
  }

  draw() {
    const { columns, data, index, rates } = this;
    if (!columns || !(index < rates.active.length)) return;
    const shown = this.at(index);
    this.order = byRate(shown.mean);
    this.shown = shown;
    for (const [number, column] of columns.entries()) {
      const dimension = this.order[number];
      for (const name of ["mean", "own"]) {
        const value = shown[name]?.[dimension] ?? 0;
        const y = this.down(value);
        column[name].setAttribute("y", y);
        column[name].setAttribute("height", Math.max(0, this.bottom - y));
      }
      if (column.label) column.label.textContent = dimension + 1;
    }
    const chosen = this.order.indexOf(data.chosen);
    const highest = Math.max(shown.mean[data.chosen], shown.own?.[data.chosen] ?? 0);
    const tip = `translate(${this.middle(chosen)} ${this.down(highest) - 4})`;
    this.chosen.setAttribute("transform", tip);
    const { active } = shown;
    const hidden = active < rates.dimensions ? "visible" : "hidden";
    for (const part of [this.edge, this.unused]) part.setAttribute("visibility", hidden);
    const x = MARGIN.left + (active / rates.dimensions) * this.inner.width;
    this.edge.setAttribute("transform", `translate(${x} 0)`);
    const isLeft = active < rates.dimensions / 2;
    this.unused.setAttribute("x", isLeft ? x + 6 : x - 6);
    this.unused.setAttribute("text-anchor", isLeft ? "start" : "end");
    if (!this.tip.hidden) this.point(this.pointed);
  }

  rest() {
    const found = this.pages.find(page => page?.alts?.bars?.[this.index]);
    if (found) this.plot.setAttribute("aria-label", found.alts.bars[this.index]);
    if (this.pointed !== null) this.describe(this.pointed);
  }

  columnOf({ offsetX }) {
    if (!this.inner) return null;
    const count = this.rates.dimensions;
    return columnAt(offsetX, { left: MARGIN.left, width: this.inner.width, count });
  }

  // Shows a column's dimension and rates; null: none.
  point(column) {
    const { highlight, tip, plot } = this;
    this.pointed = column;
    tip.hidden = column === null || !this.order;
    highlight?.setAttribute("visibility", tip.hidden ? "hidden" : "visible");
    if (tip.hidden) return;
    const x = this.middle(column);
    highlight.setAttribute("x", x - this.inner.width / this.rates.dimensions / 2);
    tip.textContent = this.said(this.order[column]);
    tip.style.left = `${x}px`;
    tip.style.setProperty("--share", x / plot.clientWidth);
  }

  said(dimension) {
    const { data, shown } = this;
    const named = data.names[dimension];
    const number = filled(data.words.dimension, { dimension: dimension + 1 });
    return filled(data.words.point, {
      dimension: named ? `${number} (${named})` : number,
      mean: shown.mean[dimension].toFixed(3),
      own: shown.own?.[dimension].toFixed(3) ?? "–",
    });
  }

  key(event) {
    if (!this.order) return;
    const chosen = this.order.indexOf(this.data.chosen);
    if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      this.choose(this.pointed);
      return;
    }
    const to = stepped(this.pointed ?? chosen, event, this.order.length);
    if (to === null) return;
    event.preventDefault();
    this.point(to);
    this.describe(to);
    this.plot.setAttribute("aria-activedescendant", "cursor");
  }

  // What a screen reader says of the column that the keys have reached.
  describe(column) {
    const dimension = this.order?.[column];
    if (dimension === undefined) return;
    this.cursor.setAttribute("aria-label", this.said(dimension));
    this.cursor.setAttribute("aria-selected", String(dimension === this.data.chosen));
  }

  choose(column) {
    const dimension = this.order?.[column ?? -1];
    if (dimension === undefined || dimension === this.data.chosen) return;
    this.send("dimension", dimension);
  }
}

export default follow(BarsView, ".film-bars");
