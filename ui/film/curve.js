// A curve over beta, and the stop of beta under the hand on it. The drawing is made once; while
// beta moves only the mark and its number move. Exported by name: what curve.test.js tests.

import { alongLog, drawn, nearestTo, ticksTo, upright, written } from "./axes.js";
import { Follower, filled, follow } from "./follower.js";

const MARGIN = { left: 46, right: 14, top: 12, bottom: 40 }; // pixels, for the axes and titles
const ABOVE = 1.12; // of the largest value: the axis' end
const BELOW = 0.04; // of it: below zero, so that a mark at zero is whole
const ASIDE = 10; // pixels between the mark and its number

// Where the points of a curve lie in a box, and the places of beta and of values in it.
export function placed({ betas, values }, { left, right, top, bottom }) {
  const [from, to] = [betas[0], betas.at(-1)];
  const most = Math.max(...values);
  const across = beta => left + alongLog(beta, from, to) * (right - left);
  const down = value =>
    bottom - ((value + BELOW * most) / ((ABOVE + BELOW) * most)) * (bottom - top);
  return { across, down, points: betas.map((beta, at) => [across(beta), down(values[at])]) };
}

// Which side of its mark a number stands on: the curve falls, so right above it is free.
export const side = (x, width) => (x < 0.75 * width ? "start" : "end");

class CurveView extends Follower {
  constructor(root) {
    super(root);
    for (const name of ["plot", "drawing", "overlay", "tip"])
      this[name] = root.querySelector(`.${name}`);
    this.plot.addEventListener("pointermove", event => this.point(event));
    this.plot.addEventListener("pointerleave", () => this.point(null));
    this.resized = new ResizeObserver(() => this.build());
    this.resized.observe(this.plot);
  }

  changed() {
    for (const [name, colour] of Object.entries(this.data.colours))
      this.root.style.setProperty(`--${name}`, colour);
    const page = this.pages.find(page => page?.curves?.[this.data.curve]);
    this.curve = page?.curves[this.data.curve] ?? this.curve; // until the next has come
    this.build();
  }

  build() {
    const { curve, plot, data } = this;
    const [width, height] = [plot.clientWidth, plot.clientHeight];
    if (!curve || !width) return;
    const box = {
      left: MARGIN.left,
      right: width - MARGIN.right,
      top: MARGIN.top,
      bottom: height - MARGIN.bottom,
    };
    const { across, down, points } = placed(curve, box);
    this.points = points;
    for (const svg of [this.drawing, this.overlay])
      svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    const parts = [];
    if (curve.region !== null) {
      const left = across(curve.betas[curve.region]);
      const size = { width: box.right - left, height: box.bottom - box.top };
      parts.push(drawn("rect", { class: "region", x: left, y: box.top, ...size }));
      const corner = { x: box.right - 6, y: box.top + 14, "text-anchor": "end" };
      parts.push(written(data.words.region, corner));
    }
    for (const tick of ticksTo(ABOVE * Math.max(...curve.values), (box.bottom - box.top) / 42)) {
      const y = Math.round(down(tick)) + 0.5;
      parts.push(drawn("path", { class: "grid", d: `M${box.left} ${y}H${box.right}` }));
      const place = { x: box.left - 8, y, "text-anchor": "end", "dominant-baseline": "central" };
      parts.push(written(String(tick), place));
    }
    for (const tick of curve.ticks) {
      const place = { x: across(tick), y: box.bottom + 16, "text-anchor": "middle" };
      parts.push(written(String(tick), place));
    }
    parts.push(
      drawn("path", { class: "base", d: `M${box.left} ${box.bottom + 0.5}H${box.right}` }),
    );
    const middle = { x: (box.left + box.right) / 2, y: height - 5, "text-anchor": "middle" };
    parts.push(written(data.words.across, { class: "name", ...middle }));
    parts.push(upright(data.words.down, 12, (box.top + box.bottom) / 2));
    parts.push(drawn("polyline", { class: "line", points: points.join(" ") }));
    this.drawing.replaceChildren(...parts);
    this.mark = drawn("circle", { class: "mark", r: 7.5 });
    this.value = written("", { class: "value" });
    this.overlay.replaceChildren(this.mark, this.value);
    this.draw();
  }

  draw() {
    const { curve, index, mark, value } = this;
    const point = this.points?.[index];
    if (!mark || !point) return;
    const [x, y] = point;
    mark.setAttribute("transform", `translate(${x} ${y})`);
    const anchor = side(x, this.plot.clientWidth);
    value.setAttribute("x", anchor === "start" ? x + ASIDE : x - ASIDE);
    value.setAttribute("y", y - ASIDE);
    value.setAttribute("text-anchor", anchor);
    value.textContent = curve.labels[index];
  }

  rest() {
    if (this.curve) this.plot.setAttribute("aria-label", this.curve.alts[this.index]);
  }

  // The value at the stop that is nearest to the pointer.
  point(event) {
    const { curve, points, tip, plot } = this;
    tip.hidden = !event || !points;
    if (tip.hidden) return;
    const places = points.map(([x]) => x);
    const number = nearestTo(places, event.offsetX);
    const values = { beta: curve.betas[number], value: curve.labels[number] };
    tip.textContent = filled(this.data.words.point, values);
    tip.style.left = `${points[number][0]}px`;
    tip.style.top = `${points[number][1]}px`;
    tip.style.setProperty("--share", points[number][0] / plot.clientWidth);
  }
}

export default follow(CurveView, ".film-curve");
