// Picture → encoder → q(z|x) → z → decoder → reconstruction, and the split of the loss, at the stop
// of beta under the hand. Nodes are made once and updated, since that happens in every animation
// frame. Exported by name: what flow.test.js tests.

const TAU = 2 * Math.PI;
const LEAST_REACH = 3.4; // of the chart, in standard deviations of p(z): nearly all of it
const GRID = [-2, 0, 2];
const LEFT = 26; // pixels for the numbers of the chart's axis
const SUM = 76; // pixels for the number at the end of a bar
const DIGIT = 7.5; // pixels that a digit of a bar's number is wide
const MOST_TICKS = 6;
const PULSE = 150; // ms that each part lights up on the data's way
const WAY = ["seen", "encoder", "code", "decoder", "reconstruction"];
const BARS = ["own", "average"];
const VIEWS = new WeakMap();

// 1, 2 or 5 times a power of ten, not less than what is given.
export function niceStep(rough) {
  const power = 10 ** Math.floor(Math.log10(rough));
  return power * [1, 2, 5, 10].find(step => step * power >= rough * 0.999);
}

// How far the chart reaches up and down: the same over the whole film, so that nothing jumps.
export function reach({ mean, deviation, z }) {
  let most = LEAST_REACH;
  for (let at = 0; at < mean.length; at += 1)
    most = Math.max(most, Math.abs(mean[at]) + deviation[at], Math.abs(z[at]));
  return most;
}

// Widths in pixels of the columns of a chart: of each column, of its bar, and the radius of a dot.
export function columns(count, width) {
  const step = width / count;
  const bar = Math.min(44, Math.max(1, step < 4 ? step * 0.8 : step * 0.62));
  return { step, bar, dot: Math.min(4, Math.max(1.1, step * 0.26)) };
}

// The column under a place of the chart; null outside.
export function columnAt(x, count, width) {
  const column = Math.floor((x / width) * count);
  return column >= 0 && column < count ? column : null;
}

// Where the bars of the loss end: the film's largest sum, or where that is more than three times
// the present one, a nice number above the present one.
export function scaleOf(pairs, index) {
  const sums = at => pairs.map(pair => parts(pair, at).reduce((sum, value) => sum + value));
  const most = Math.max(...pairs[0].rate.map((_, at) => Math.max(...sums(at))), 1e-6);
  const present = Math.max(...sums(index), 1e-6);
  return most > 3 * present ? niceStep(present) : most;
}

// Distortion and rate of a stop as lengths; what is infinite or below zero has none.
export const parts = ({ distortion, rate }, index) =>
  [distortion[index], rate[index]].map(value => Math.max(0, value ?? 0));

// The bar of one row: in pixels where its parts begin and how long they are.
export function lengths(pair, index, scale, width) {
  const [distortion, rate] = parts(pair, index).map(value => (value / scale) * width);
  return [
    { left: 0, length: distortion },
    { left: distortion, length: rate },
  ];
}

// The marks of the loss's axis.
export function ticksTo(scale) {
  const step = niceStep(scale / (MOST_TICKS - 1));
  return Array.from({ length: Math.floor(scale / step + 1e-9) + 1 }, (_, tick) => tick * step);
}

export const nats = value =>
  value >= 1000 ? value.toLocaleString("en", { maximumFractionDigits: 0 }) : value.toFixed(1);

// A text with {names} filled in.
export const filled = (text, values) =>
  text.replace(/\{(\w+)\}/g, (all, name) => values[name] ?? all);

const signed = (value, digits) => value.toFixed(digits).replace("-", "−");

// What stands beside a column that is pointed to.
export function columnText(code, index, column, text) {
  const at = index * code.dimensions + column;
  return filled(text ?? "{name}: mu {mu}, sigma {sigma}, z {z}", {
    name: code.names[column],
    mu: signed(code.mean[at], 2),
    sigma: signed(code.deviation[at], 2),
    z: signed(code.z[at], 2),
  });
}

// The explanation of a part at a stop: some are the same at all.
export const explanation = ({ formula, html }, index) =>
  `${formula}<p>${html[index] ?? html[0]}</p>`;

// Whether only the noise or the picture is another one: then the data's way is shown.
export const sameStops = (before, film) => String(before?.betas) === String(film.betas);

const longest = texts =>
  texts.reduce((most, text) => (text.length > most.length ? text : most), "");

class FlowView {
  constructor(root) {
    this.root = root.querySelector(".film-flow");
    for (const name of ["line", "file", "seen", "code", "chart", "tip", "axis", "reconstruction"])
      this[name] = this.root.querySelector(`.${name}`);
    for (const name of ["difference", "key", "explanation", "loss", "bars", "says"])
      this[name] = this.root.querySelector(`.${name}`);
    this.canvas = this.chart.querySelector("canvas");
    this.frames = [this.reconstruction, this.difference].map(figure => {
      const canvas = figure.querySelector("canvas");
      return { canvas, context: canvas.getContext("2d", { willReadFrequently: true }) };
    });
    this.buttons = [...this.root.querySelectorAll("button[data-part]")];
    this.bodyOf = this.explanation.querySelector(".body");
    this.title = this.explanation.querySelector(".title");
    this.shown = {}; // what the texts say now
    this.makeBars();
    this.listen();
  }

  listen() {
    for (const button of this.buttons)
      button.addEventListener("click", () => this.toggle(button.dataset.part));
    this.explanation.querySelector(".close").addEventListener("click", () => this.open(null));
    this.root.addEventListener("keydown", ({ key }) => {
      if (key === "Escape" && this.opened) this.open(null);
    });
    for (const type of ["pointermove", "pointerdown"])
      this.canvas.addEventListener(type, event => this.point(event));
    // A finger leaves as soon as it is lifted: what it tapped stays until it taps elsewhere.
    this.canvas.addEventListener("pointerleave", ({ pointerType }) => {
      if (pointerType !== "touch") this.point(null);
    });
    this.root.addEventListener("pointerdown", ({ target }) => {
      if (target !== this.canvas && !this.tip.hidden) this.point(null);
    });
    this.carried = () => {
      this.connect();
      this.showFilm();
    };
    globalThis.addEventListener("vae-lab-film", this.carried);
    this.resized = new ResizeObserver(() => {
      if (this.root.clientWidth !== this.drawnWidth) this.resize();
    });
    this.resized.observe(this.root);
  }

  remove() {
    this.leave?.();
    this.resized.disconnect();
    globalThis.removeEventListener("vae-lab-film", this.carried);
  }

  makeBars() {
    this.rows = BARS.map(() => {
      const track = made("div", "track");
      const head = made("span", "head");
      const row = { head, track, segments: [], sum: made("span", "sum") };
      for (const part of ["distortion", "rate"]) {
        const segment = { bar: made("div", `bar ${part}`), value: made("span", "value") };
        // With a mouse the bar itself opens its part; the button above is for everybody.
        segment.bar.addEventListener("click", () => this.toggle(part));
        row.segments.push(segment);
        track.append(segment.bar, segment.value);
      }
      track.append(row.sum);
      this.bars.append(head, track);
      return row;
    });
    this.ticks = Array.from({ length: MOST_TICKS + 1 }, () => made("span", "tick"));
    const axis = made("div", "ticks");
    axis.append(...this.ticks);
    this.bars.append(axis);
  }

  update(data) {
    this.data = data;
    const { words, file, colours } = data;
    for (const [name, colour] of Object.entries(colours))
      this.root.style.setProperty(`--${name}`, colour);
    for (const name of ["file", "seen", "reconstruction", "difference"])
      this[name].querySelector("figcaption").textContent = words[name];
    this.file.hidden = !file;
    this.root.classList.toggle("fileless", !file);
    if (file) picture(this.file.querySelector("img"), file.source, file.alt);
    this.key.textContent = words.key;
    this.axis.textContent = words.axis;
    const more = { code: words.interval, sampling: words.drawn };
    for (const [part, text] of Object.entries(more))
      this.button(part).querySelector(".more").textContent = text;
    for (const [index, text] of [words.this, words.average].entries())
      this.rows[index].head.textContent = text;
    this.explanation.querySelector(".close").setAttribute("aria-label", words.close);
    const style = getComputedStyle(this.root);
    this.ink = style.color;
    this.carried();
    this.resize();
  }

  connect() {
    const player = globalThis.vaeLabFilm;
    if (!player || !this.data || this.scope === this.data.scope) return;
    this.leave?.();
    this.scope = this.data.scope;
    this.leave = player.subscribe(
      this.scope,
      () => this.draw(),
      () => this.describe(),
    );
  }

  button(part) {
    return this.buttons.find(button => button.dataset.part === part);
  }

  // The film that was shown stays until the next is there.
  showFilm() {
    const film = globalThis.vaeLabFilm?.film(this.data?.film);
    this.root.setAttribute("aria-busy", String(!film));
    if (!film || film === this.film) return;
    const before = this.film;
    this.film = film;
    this.reach = reach(film.code);
    this.shown = {};
    for (const { canvas } of this.frames)
      Object.assign(canvas, { width: film.width, height: film.height });
    this.root.style.setProperty("--shape", `${film.width} / ${film.height}`);
    picture(this.seen.querySelector("img"), film.observed, film.alts.observed);
    for (const button of this.buttons) {
      const part = film.parts[button.dataset.part];
      // A plain autoencoder has no q(z|x) and no rate.
      button.hidden = !part;
      const name = part?.label ?? this.data.words[button.dataset.part] ?? "";
      button.querySelector(".label").textContent = name;
      const more = button.querySelector(".more"); // not the same word twice
      if (more) more.hidden = more.textContent === name;
      button.setAttribute("aria-expanded", String(this.opened === button.dataset.part));
    }
    if (this.opened && !film.parts[this.opened]) this.open(null);
    this.resize();
    this.describe();
    if (before && sameStops(before, film)) this.pulse();
  }

  get index() {
    const index = globalThis.vaeLabFilm?.index(this.data?.scope) ?? this.data?.at;
    return this.film && index !== undefined ? Math.min(index, this.film.betas.length - 1) : null;
  }

  resize() {
    if (!this.film || !this.data) return;
    this.drawnWidth = this.root.clientWidth;
    const ratio = globalThis.devicePixelRatio || 1;
    this.width = this.chart.clientWidth;
    this.height = this.chart.clientHeight;
    this.canvas.width = Math.round(this.width * ratio);
    this.canvas.height = Math.round(this.height * ratio);
    this.context = this.canvas.getContext("2d");
    this.context.setTransform(ratio, 0, 0, ratio, 0, 0);
    this.barWidth = this.rows[0].track.clientWidth - SUM;
    this.scale = null;
    this.reserve();
    this.notch();
    this.draw();
  }

  // Room for the longest sentence, so that what stands below doesn't move.
  reserve() {
    const { loss, bits, verdict } = this.film.says;
    this.say("sum", longest(loss));
    this.say("bits", longest(bits ?? [""]));
    this.say("verdict", longest(verdict));
    this.says.style.minHeight = "0";
    this.says.style.minHeight = `${Math.ceil(this.says.offsetHeight)}px`;
  }

  draw() {
    const { film, index } = this;
    if (!film || index === null || !this.context) return;
    this.frames[0].context.putImageData(film.reconstructions[index], 0, 0);
    this.frames[1].context.putImageData(film.differences[index], 0, 0);
    this.drawCode(index);
    this.drawLoss(index);
    this.say("sum", film.says.loss[index]);
    this.say("bits", film.says.bits?.[index] ?? "");
    this.say("verdict", film.says.verdict[index]);
    if (this.column !== null) this.showTip(index);
  }

  drawCode(index) {
    const { context, width, height, film } = this;
    const { dimensions, mean, deviation, z } = film.code;
    const { rate, own } = this.data.colours;
    const down = value => height / 2 - (value / this.reach) * (height / 2 - 4);
    context.clearRect(0, 0, width, height);
    this.drawGrid(down);
    const { step, bar, dot } = columns(dimensions, width - LEFT);
    const first = index * dimensions;
    const middle = column => LEFT + (column + 0.5) * step;
    context.fillStyle = rate;
    context.globalAlpha = 0.55;
    for (let column = 0; column < dimensions; column += 1) {
      const [mu, sigma] = [mean[first + column], deviation[first + column]];
      const top = down(mu + sigma);
      context.fillRect(middle(column) - bar / 2, top, bar, Math.max(1, down(mu - sigma) - top));
    }
    context.globalAlpha = 1;
    if (step >= 6) {
      for (let column = 0; column < dimensions; column += 1)
        context.fillRect(middle(column) - bar / 2, down(mean[first + column]) - 0.75, bar, 1.5);
    }
    context.fillStyle = own;
    context.beginPath();
    for (let column = 0; column < dimensions; column += 1) {
      const [x, y] = [middle(column), down(z[first + column])];
      context.moveTo(x + dot, y);
      context.arc(x, y, dot, 0, TAU);
    }
    context.fill();
    if (this.column === null) return;
    context.fillStyle = this.ink;
    context.globalAlpha = 0.1;
    context.fillRect(middle(this.column) - step / 2, 0, Math.max(2, step), height);
    context.globalAlpha = 1;
  }

  drawGrid(down) {
    const { context, width, ink } = this;
    context.fillStyle = ink;
    context.font = "11px sans-serif";
    context.textAlign = "right";
    context.textBaseline = "middle";
    for (const value of GRID) {
      const y = Math.round(down(value));
      context.globalAlpha = value ? 0.14 : 0.3;
      context.fillRect(LEFT, y, width - LEFT, 1);
      context.globalAlpha = 0.75;
      context.fillText(signed(value, 0), LEFT - 7, y);
    }
    context.globalAlpha = 1;
  }

  drawLoss(index) {
    const pairs = BARS.map(name => this.film[name]);
    const scale = scaleOf(pairs, index);
    if (scale !== this.scale) this.drawTicks(scale);
    for (const [row, pair] of pairs.entries()) {
      const values = parts(pair, index);
      const { segments, sum } = this.rows[row];
      let end = 0;
      for (const [part, { left, length }] of lengths(pair, index, scale, this.barWidth).entries()) {
        const { bar, value } = segments[part];
        bar.style.transform = `translateX(${left}px) scaleX(${length})`;
        const text = nats(values[part]);
        value.textContent = text.length * DIGIT + 8 < length ? text : "";
        value.style.transform = `translateX(${left + length / 2}px) translateX(-50%)`;
        end = left + length;
      }
      sum.textContent = `= ${nats(values[0] + values[1])}`;
      sum.style.transform = `translateX(${end + 7}px)`;
    }
  }

  drawTicks(scale) {
    this.scale = scale;
    const values = ticksTo(scale);
    for (const [index, tick] of this.ticks.entries()) {
      tick.hidden = index >= values.length;
      if (tick.hidden) continue;
      tick.textContent = Number(values[index].toPrecision(3)).toLocaleString("en");
      tick.style.left = `${(values[index] / scale) * this.barWidth}px`;
    }
  }

  say(name, html) {
    if (this.shown[name] === html) return;
    this.shown[name] = html;
    this.says.querySelector(`.${name}`).innerHTML = html;
  }

  // At rest: what a screen reader reads, and the explanation.
  describe() {
    const { film, index } = this;
    if (!film || index === null) return;
    const { alts } = film;
    this.frames[0].canvas.setAttribute("aria-label", alts.reconstruction[index]);
    this.frames[1].canvas.setAttribute("aria-label", alts.difference[index]);
    this.canvas.setAttribute("aria-label", alts.code[index]);
    this.bars.setAttribute("aria-label", alts.loss[index]);
    this.explain();
  }

  toggle(part) {
    if (this.film?.parts[part]) this.open(this.opened === part ? null : part);
  }

  open(part) {
    const before = this.opened && this.button(this.opened);
    this.opened = part;
    for (const button of this.buttons)
      button.setAttribute("aria-expanded", String(button.dataset.part === part));
    const inside = this.explanation.contains(this.root.getRootNode().activeElement);
    this.explanation.hidden = !part;
    if (!part) return inside && before?.focus();
    // Below what it explains, there and in the order of reading. CSS finds its place in the line.
    const { explanation: panel } = this;
    if (!this.loss.contains(this.button(part))) this.line.append(panel);
    else if (this.bars.nextElementSibling !== panel) this.bars.after(panel);
    this.line.dataset.opened = part;
    this.shown.body = null;
    this.explain();
    this.notch();
  }

  explain() {
    const { film, opened, index } = this;
    if (!opened || index === null) return;
    const html = explanation(film.parts[opened], index);
    if (this.shown.body === html) return;
    this.shown.body = html;
    this.title.textContent = film.parts[opened].label;
    this.bodyOf.innerHTML = html;
  }

  // The panel points at the button that opened it.
  notch() {
    if (!this.opened) return;
    const box = this.button(this.opened).getBoundingClientRect();
    const { left } = this.explanation.getBoundingClientRect();
    this.explanation.style.setProperty("--notch", `${box.left + box.width / 2 - left}px`);
  }

  point(event) {
    const { film, index } = this;
    if (!film || index === null) return;
    const count = film.code.dimensions;
    this.column = event && columnAt(event.offsetX - LEFT, count, this.width - LEFT);
    this.tip.hidden = this.column === null;
    this.drawCode(index);
    if (this.column !== null) this.showTip(index);
  }

  showTip(index) {
    const { column, tip, film, width } = this;
    tip.textContent = columnText(film.code, index, column, this.data.words.point);
    const share = (column + 0.5) / film.code.dimensions;
    tip.style.left = `${LEFT + share * (width - LEFT)}px`;
    tip.style.setProperty("--share", share);
  }

  column = null;

  pulse() {
    if (!globalThis.matchMedia?.("(prefers-reduced-motion: no-preference)").matches) return;
    const lit = { filter: "drop-shadow(0 0 7px var(--accent))", opacity: 1 };
    for (const [order, name] of WAY.entries()) {
      this.root
        .querySelector(`.${name}`)
        .animate([{}, lit, {}], { duration: 2 * PULSE, delay: order * PULSE });
    }
  }
}

function made(kind, name) {
  const element = document.createElement(kind);
  element.className = name;
  return element;
}

// A small picture is enlarged sharp, a photograph is not.
function picture(image, source, alt) {
  image.alt = alt;
  if (image.source === source) return;
  image.source = source;
  image.onload = () => image.classList.toggle("small", image.naturalWidth <= 128);
  image.src = source;
}

// Called again when the data or the theme change.
export default function ({ data, parentElement }) {
  let view = VIEWS.get(parentElement);
  if (!view?.root.isConnected) {
    view?.remove();
    view = new FlowView(parentElement);
    VIEWS.set(parentElement, view);
  }
  view.update(data);
  return () => {
    if (!view.root.isConnected) view.remove();
  };
}
