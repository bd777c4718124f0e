// The rate–distortion plane: the curve of the test set, this picture's own, and the stop of beta
// under the hand. The drawing is made once; while beta moves only two marks move. Exported by name:
// what plane.test.js tests.

const SVG = "http://www.w3.org/2000/svg";
const MARGIN = { left: 52, right: 14, top: 10, bottom: 42 }; // pixels, for the axes and titles
const NEAR = 24; // pixels from a point: what is nearer is a click on it
const VIEWS = new WeakMap();
const KEYS = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -5, PageUp: 5 };

// 1, 2 or 5 times a power of ten, not less than what is given.
export function niceStep(rough) {
  const power = 10 ** Math.floor(Math.log10(rough));
  return power * [1, 2, 5, 10].find(step => step * power >= rough * 0.999);
}

// From where to where an axis goes, and its marks. From zero where the least value is below half
// of the largest: there a length on the axis is a share of the whole.
export function axis(values, marks, fromZero = false) {
  const known = values.filter(Number.isFinite);
  const most = Math.max(...known, 0) || 1;
  const least = Math.min(...known, most);
  const isWhole = fromZero || least < most / 2 || least === most;
  const step = niceStep((isWhole ? most : most - least) / marks);
  const from = isWhole ? Math.min(0, Math.floor(least / step) * step) : below(least, step);
  const to = most + (most - from) * 0.03; // a point at the end is a whole one
  const ticks = [];
  for (let at = Math.ceil(from / step); at * step <= to; at += 1)
    ticks.push(Number((at * step).toPrecision(12)));
  return { from, to, ticks, step };
}

const below = (least, step) => Math.floor(least / step) * step;

// Decimal places that tell multiples of step apart.
export const places = step => Math.max(0, -Math.floor(Math.log10(step) + 1e-9));

// The points of a curve on the screen; null: infinite, which has no place.
export function placed({ rate, distortion }, across, down) {
  return rate.map((value, index) =>
    Number.isFinite(value) && Number.isFinite(distortion[index])
      ? [across(value), down(distortion[index])]
      : null,
  );
}

// The number of the nearest point that is near enough; null: none is.
export function nearest(points, x, y, most = NEAR) {
  let found = null;
  let distance = most;
  for (const [index, point] of points.entries()) {
    const away = point ? Math.hypot(point[0] - x, point[1] - y) : Infinity;
    if (away > distance) continue;
    found = index;
    distance = away;
  }
  return found === null ? null : { index: found, distance };
}

// The stop of a beta, or the nearest to it: stops are a ratio apart.
export function stopOf(betas, beta) {
  const away = betas.map(stop => Math.abs(Math.log(stop / beta)));
  return away.indexOf(Math.min(...away));
}

// The stop after a key; null: another key.
export function stepped(index, { key, ctrlKey, metaKey, altKey }, count) {
  if (ctrlKey || metaKey || altKey) return null;
  const to = { Home: 0, End: count - 1 }[key] ?? (key in KEYS ? index + KEYS[key] : null);
  return to === null ? null : Math.min(count - 1, Math.max(0, to));
}

// A text with {names} filled in.
export const filled = (text, values) =>
  text.replace(/\{(\w+)\}/g, (all, name) => values[name] ?? all);

export const nats = value =>
  (value >= 1000
    ? value.toLocaleString("en", { maximumFractionDigits: 0 })
    : value.toFixed(1)
  ).replace("-", "−");

// A tick's number, with as many decimals as its step has and commas between thousands.
export const grouped = (tick, step) =>
  tick.toLocaleString("en", {
    minimumFractionDigits: places(step),
    maximumFractionDigits: places(step),
  });

class PlaneView {
  constructor(root) {
    this.root = root.querySelector(".film-plane");
    for (const name of ["plot", "drawing", "overlay", "tip", "click"])
      this[name] = this.root.querySelector(`.${name}`);
    const { plot } = this;
    plot.addEventListener("pointermove", event => this.point(event));
    plot.addEventListener("pointerdown", event => this.press(event));
    for (const end of ["pointerup", "pointercancel"])
      plot.addEventListener(end, () => this.release());
    plot.addEventListener("pointerleave", () => this.hover(null));
    plot.addEventListener("keydown", event => this.key(event));
    this.carried = () => {
      this.connect();
      this.showFilm();
    };
    globalThis.addEventListener("vae-lab-film", this.carried);
    this.resized = new ResizeObserver(() => this.build());
    this.resized.observe(plot);
  }

  remove() {
    this.leave?.();
    this.resized.disconnect();
    globalThis.removeEventListener("vae-lab-film", this.carried);
  }

  update(data) {
    this.data = data;
    const { words, colours } = data;
    for (const [name, colour] of Object.entries(colours))
      this.root.style.setProperty(`--${name}`, colour);
    const legend = { average: words.test, own: words.own, rival: words.dedicated };
    for (const [name, text] of Object.entries(legend)) this.legend(name).textContent = text;
    this.click.textContent = data.still ? "" : (words.click ?? "");
    this.plot.setAttribute("role", data.still ? "img" : "slider");
    this.plot.tabIndex = data.still ? -1 : 0;
    this.connect();
    this.film = globalThis.vaeLabFilm?.film(data.film) ?? this.film;
    this.build();
    this.describe();
  }

  legend(name) {
    return this.root.querySelector(`.legend .${name} span`);
  }

  connect() {
    const player = globalThis.vaeLabFilm;
    if (!player || !this.data || this.scope === this.data.scope) return;
    this.leave?.();
    this.scope = this.data.scope;
    this.leave = player.subscribe(
      this.scope,
      () => this.mark(),
      () => this.describe(),
    );
  }

  // The film that was shown stays until the next is there.
  showFilm() {
    const film = globalThis.vaeLabFilm?.film(this.data?.film);
    if (!film || film === this.film) return;
    this.film = film;
    this.build();
    this.describe();
  }

  get index() {
    const index = globalThis.vaeLabFilm?.index(this.data?.scope) ?? this.data?.at;
    return this.film && index !== undefined ? Math.min(index, this.film.betas.length - 1) : null;
  }

  build() {
    const { film, plot, data } = this;
    const [width, height] = [plot.clientWidth, plot.clientHeight];
    if (!film || !data || !width) return;
    const { average, own, rivals } = film;
    this.root.querySelector(".legend .rival").hidden = !rivals.length;
    const every = name => [...average[name], ...own[name], ...rivals.map(rival => rival[name])];
    const inner = { width: width - MARGIN.left - MARGIN.right };
    inner.height = height - MARGIN.top - MARGIN.bottom;
    const xAxis = axis(every("rate"), inner.width / 70, true);
    const yAxis = axis(every("distortion"), inner.height / 42);
    const along = ({ from, to }, value) => (value - from) / (to - from);
    const across = value => MARGIN.left + along(xAxis, value) * inner.width;
    const down = value => MARGIN.top + (1 - along(yAxis, value)) * inner.height;
    this.points = {
      average: placed(average, across, down),
      own: placed(own, across, down),
      rivals: rivals.map(({ rate, distortion }) => [across(rate), down(distortion)]),
    };
    for (const svg of [this.drawing, this.overlay])
      svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    this.drawing.replaceChildren(
      ...this.axes(xAxis, yAxis, across, down, { width, height }),
      ...curve("average", this.points.average, 3.2),
      ...curve("own", this.points.own, 2.3),
      ...this.points.rivals.map(([cx, cy]) => drawn("circle", { class: "rival", cx, cy, r: 5 })),
    );
    this.marks = {
      average: drawn("circle", { class: "current average", r: 8 }),
      own: drawn("path", { class: "current own", d: "m0-9.5 9.5 9.5L0 9.5-9.5 0z" }),
    };
    this.ring = drawn("circle", { class: "ring", r: 9, visibility: "hidden" });
    this.overlay.replaceChildren(this.marks.average, this.marks.own, this.ring);
    this.mark();
  }

  axes(xAxis, yAxis, across, down, { width, height }) {
    const { words } = this.data;
    const [left, right] = [MARGIN.left, width - MARGIN.right];
    const bottom = height - MARGIN.bottom;
    const parts = [];
    for (const tick of yAxis.ticks) {
      const y = Math.round(down(tick)) + 0.5;
      parts.push(drawn("path", { class: "grid", d: `M${left} ${y}H${right}` }));
      const place = { x: left - 8, y, "text-anchor": "end", "dominant-baseline": "central" };
      parts.push(written(grouped(tick, yAxis.step), place));
    }
    for (const tick of xAxis.ticks) {
      const place = { x: across(tick), y: bottom + 16, "text-anchor": "middle" };
      parts.push(written(grouped(tick, xAxis.step), place));
    }
    parts.push(drawn("path", { class: "base", d: `M${left} ${bottom + 0.5}H${right}` }));
    const middle = { x: (left + right) / 2, y: height - 6, "text-anchor": "middle" };
    parts.push(written(words.rate, { class: "name", ...middle }));
    const turned = `translate(12 ${(MARGIN.top + bottom) / 2}) rotate(-90)`;
    const upright = { class: "name", transform: turned, "text-anchor": "middle" };
    parts.push(written(words.distortion, upright));
    return parts;
  }

  // The two marks and the words that move with beta.
  mark() {
    const { index, marks } = this;
    if (index === null || !marks) return;
    for (const [name, mark] of Object.entries(marks)) {
      const point = this.points[name][index];
      mark.setAttribute("visibility", point ? "visible" : "hidden");
      if (point) mark.setAttribute("transform", `translate(${point[0]} ${point[1]})`);
    }
    const beta = this.film.labels[index];
    this.legend("current").textContent = filled(this.data.words.current, { beta });
    this.plot.setAttribute("aria-valuenow", index);
    this.plot.setAttribute("aria-valuetext", this.legend("current").textContent);
  }

  describe() {
    const { film, index, plot } = this;
    if (index === null) return;
    plot.setAttribute("aria-valuemin", 0);
    plot.setAttribute("aria-valuemax", film.betas.length - 1);
    plot.setAttribute("aria-label", film.alts.plane[index]);
  }

  // The point near the pointer, of any of the three kinds.
  found({ offsetX, offsetY }, most) {
    if (!this.points) return null;
    let best = null;
    for (const [name, points] of Object.entries(this.points)) {
      const near = nearest(points, offsetX, offsetY, most);
      if (near && !(best?.distance < near.distance)) best = { name, ...near };
    }
    return best;
  }

  point(event) {
    if (!this.dragged) return this.hover(this.found(event));
    const near = nearest(this.points[this.dragged], event.offsetX, event.offsetY, Infinity);
    if (near) this.move(near.index);
  }

  press(event) {
    if (!event.isPrimary || event.button) return;
    const found = this.found(event);
    this.hover(found);
    if (!found) return;
    if (found.name === "rivals")
      return this.move(stopOf(this.film.betas, this.film.rivals[found.index].beta));
    // A mouse may go on along the curve; a finger scrolls the page.
    if (event.pointerType === "mouse") {
      this.dragged = found.name;
      this.plot.setPointerCapture(event.pointerId);
    }
    this.move(found.index);
  }

  release() {
    this.dragged = null;
  }

  key(event) {
    if (this.index === null || this.data.still) return;
    const to = stepped(this.index, event, this.film.betas.length);
    if (to === null) return;
    event.preventDefault();
    this.move(to);
  }

  move(index) {
    if (this.data.still) return;
    globalThis.vaeLabFilm.move(this.data.scope, index, { hand: true });
    this.hover(null);
  }

  hover(found) {
    const { tip, plot, ring } = this;
    tip.hidden = !found;
    plot.classList.toggle("near", Boolean(found));
    ring?.setAttribute("visibility", found ? "visible" : "hidden");
    if (!found) return;
    const [x, y] = this.points[found.name][found.index];
    ring.setAttribute("cx", x);
    ring.setAttribute("cy", y);
    tip.textContent = this.said(found);
    tip.style.left = `${x}px`;
    tip.style.top = `${y}px`;
    tip.style.setProperty("--share", x / plot.clientWidth);
  }

  said({ name, index }) {
    const { film, data } = this;
    const rival = name === "rivals" && film.rivals[index];
    const { rate, distortion } = rival || {
      rate: film[name].rate[index],
      distortion: film[name].distortion[index],
    };
    return filled(data.words.point ?? "beta {beta}, {distortion} + {rate} nats", {
      beta: rival ? rival.beta : film.labels[index],
      distortion: nats(distortion),
      rate: nats(rate),
    });
  }
}

function drawn(kind, attributes) {
  const element = document.createElementNS(SVG, kind);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}

function written(text, attributes) {
  const element = drawn("text", attributes);
  element.textContent = text;
  return element;
}

function curve(name, points, radius) {
  const known = points.filter(Boolean);
  return [
    drawn("polyline", { class: `curve ${name}`, points: known.join(" ") }),
    ...known.map(([cx, cy]) => drawn("circle", { class: `dot ${name}`, cx, cy, r: radius })),
  ];
}

// Called again when the data or the theme change.
export default function ({ data, parentElement }) {
  let view = VIEWS.get(parentElement);
  if (!view?.root.isConnected) {
    view?.remove();
    view = new PlaneView(parentElement);
    VIEWS.set(parentElement, view);
  }
  view.update(data);
  return () => {
    if (!view.root.isConnected) view.remove();
  };
}
