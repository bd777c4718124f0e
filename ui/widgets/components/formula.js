// log p(x) = E_q[log p(x|z)] − KL(q ‖ p(z)) + KL(q ‖ p(z|x)): pointing at a term or a piece of a
// bar lights up both and shows the term's picture. Everything is here already, so it answers at
// once; what is pressed stays. Exported by name: what formula.test.js tests.

const VIEWS = new WeakMap();
const SVG = "http://www.w3.org/2000/svg";
const SPACE = 300; // the side of a plane, in units of its drawing

const given = bar => `<mi>q</mi><mo>(</mo><mi>z</mi>${bar}<mi>x</mi><mo>)</mo>`;
const BAR = '<mo lspace="0" rspace="0">|</mo>';
const PARALLEL = '<mo lspace="0.15em" rspace="0.15em">‖</mo>';
const KL = other => `<mi>KL</mi><mo>(</mo>${given(BAR)}${PARALLEL}${other}<mo>)</mo>`;
const MATH = {
  evidence: "<mi>log</mi><mspace width='0.15em'/><mi>p</mi><mo>(</mo><mi>x</mi><mo>)</mo>",
  distortion:
    "<msub><mi>E</mi><mi>q</mi></msub><mo>[</mo><mi>log</mi><mspace width='0.15em'/><mi>p</mi>" +
    `<mo>(</mo><mi>x</mi>${BAR}<mi>z</mi><mo>)</mo><mo>]</mo>`,
  rate: KL("<mi>p</mi><mo>(</mo><mi>z</mi><mo>)</mo>"),
  gap: KL(`<mi>p</mi><mo>(</mo><mi>z</mi>${BAR}<mi>x</mi><mo>)</mo>`),
};
const SIGNS = { evidence: "", distortion: "=", rate: "−", gap: "+" };

// Coordinates of a part of the plane, its middle x, y and half a side, in units of the drawing.
export const drawingX = (x, window) => (((x - window.x) / window.half + 1) / 2) * SPACE;
export const drawingY = (y, window) => ((1 - (y - window.y) / window.half) / 2) * SPACE;
export const drawingLength = (length, { half }) => (length / half / 2) * SPACE;

// The rectangles of a chart of columns, the largest value as high as the chart. The least a column
// is high is 1, so that none is missing.
export function columnShapes(values, width, height) {
  const most = largest(values);
  const step = width / values.length;
  return values.map((value, index) => {
    const tall = Math.max(1, (value / most) * height);
    return { x: index * step + 1, y: height - tall, width: step - 2, height: tall };
  });
}

// The largest value, and never 0: it is divided by.
export const largest = values => Math.max(...values, 1e-6);

// Four strokes that point to a place from a distance, since its true size may be a few pixels.
export function strokes({ cx, cy }, size) {
  const near = size + 6;
  const far = size + 16;
  const directions = [
    [1, 0],
    [-1, 0],
    [0, 1],
    [0, -1],
  ];
  return directions.map(([dx, dy]) => ({
    x1: cx + near * dx,
    y1: cy + near * dy,
    x2: cx + far * dx,
    y2: cy + far * dy,
  }));
}

// The parts of a text in which **bold** is all the Markdown there is.
export function emphasised(text) {
  return text.split("**").map((part, index) => ({ part, bold: index % 2 === 1 }));
}

// Those ticks, in percent of the axis, whose labels do not stick out at its ends.
export const inside = ticks => ticks.filter(({ left }) => left >= 4 && left <= 96);

class FormulaView {
  constructor(root) {
    this.root = root.querySelector(".formula-root");
    for (const name of ["formula", "bars", "loose", "panel"])
      this[name] = this.root.querySelector(`.${name}`);
    this.pressed = null;
    this.pointed = null;
    this.resized = new ResizeObserver(() => this.fit());
    this.resized.observe(this.root);
  }

  remove() {
    this.resized.disconnect();
  }

  update(data) {
    const said = JSON.stringify(data);
    if (said === this.said) return; // the theme changed: CSS knows
    this.said = said;
    this.data = data;
    this.terms = Object.fromEntries((data.formula ?? []).map(term => [term.term, term]));
    this.pressed = this.terms[this.pressed] ? this.pressed : (data.formula?.[0].term ?? null);
    this.drawFormula();
    this.drawBars();
    this.drawLoose();
    this.light();
    this.fit();
  }

  drawFormula() {
    const focused = this.formula.querySelector(":focus")?.dataset.term;
    const parts = [];
    for (const { term, name, value, colour, alt } of this.data.formula ?? []) {
      const button = made("button", `term ${term}`);
      button.type = "button";
      button.dataset.term = term;
      button.style.setProperty("--colour", colour);
      button.setAttribute("aria-label", alt);
      button.innerHTML = `<math aria-hidden="true"><mrow>${MATH[term]}</mrow></math>`;
      button.append(made("span", "value", value), made("span", "name", name));
      button.addEventListener("click", () => this.press(term));
      button.addEventListener("focus", () => {
        if (button.matches(":focus-visible")) this.point(term);
      });
      button.addEventListener("blur", () => this.point(null));
      this.watch(button, term);
      const signed = made("div", "signed"); // a sign begins a line, it never ends one
      if (SIGNS[term]) signed.append(made("span", "sign", SIGNS[term]));
      signed.append(button);
      parts.push(signed);
    }
    this.formula.replaceChildren(...parts);
    if (focused) this.formula.querySelector(`[data-term="${focused}"]`)?.focus();
  }

  drawBars() {
    const { rows, marks, ticks, axis, alt } = this.data.bars;
    const stack = made("div", "rows");
    for (const row of rows) {
      const line = made("div", "row");
      line.append(head(row.head), this.track(row.segments));
      stack.append(line);
    }
    for (const { left, label, faint } of marks) {
      const mark = made("div", `mark${faint ? " faint" : ""}${left > 60 ? " left" : ""}`);
      mark.style.left = `${left}%`;
      if (!faint) mark.append(made("span", "", label));
      stack.append(mark);
    }
    const scale = made("div", "ticks");
    for (const { left, label } of inside(ticks)) {
      const tick = made("span", "", label);
      tick.style.left = `${left}%`;
      scale.append(tick);
    }
    this.bars.setAttribute("role", "img");
    this.bars.setAttribute("aria-label", alt);
    const others = marks.filter(mark => mark.faint).map(mark => ` · ⋯ ${mark.label}`);
    this.bars.replaceChildren(stack, scale, made("div", "axis", axis + others.join("")));
  }

  drawLoose() {
    const { loose } = this.data;
    if (!loose) return this.loose.replaceChildren();
    const lines = loose.pieces.map(piece => {
      const line = made("div", "thin");
      line.append(head(piece.head), this.track([piece.segment]));
      return line;
    });
    this.loose.replaceChildren(head(loose.head), ...lines);
  }

  track(segments) {
    const track = made("div", "track");
    for (const { term, left, width, label, colour, cut, open } of segments) {
      const segment = made("div", `segment ${term}${cut ? " cut" : ""}${open ? " open" : ""}`);
      segment.style.left = `${left}%`;
      segment.style.width = `${width}%`;
      if (colour) segment.style.setProperty("--colour", colour);
      segment.dataset.term = term;
      segment.append(made("span", "", label));
      this.watch(segment, term);
      if (this.terms[term]) segment.addEventListener("click", () => this.press(term));
      track.append(segment);
    }
    return track;
  }

  watch(element, term) {
    element.addEventListener("pointerenter", event => {
      if (event.pointerType === "mouse") this.point(term);
    });
    element.addEventListener("pointerleave", () => this.point(null));
  }

  point(term) {
    this.pointed = term;
    this.light();
  }

  press(term) {
    this.pressed = term;
    this.light();
  }

  light() {
    const shown = this.pointed ?? this.pressed;
    this.root.classList.toggle("pointing", Boolean(this.pointed));
    for (const element of this.root.querySelectorAll("[data-term]"))
      element.classList.toggle("lit", element.dataset.term === shown);
    for (const button of this.formula.querySelectorAll("button")) {
      button.setAttribute("aria-pressed", String(button.dataset.term === this.pressed));
    }
    this.show(this.terms[shown] ?? this.terms[this.pressed]);
  }

  show(term) {
    if (!term) return this.panel.replaceChildren();
    if (this.shown === term) return;
    this.shown = term;
    this.panel.style.setProperty("--colour", term.colour);
    const said = made("p");
    said.append(made("b", "", term.alt), term.said);
    const pictures = (term.pictures ?? []).map(({ source, caption, alt }) => {
      const figure = made("figure");
      const image = made("img");
      image.src = source;
      image.alt = alt;
      figure.append(made("figcaption", "", caption), image);
      return figure;
    });
    this.panel.replaceChildren(
      ...pictures,
      ...[plane(term.plane), columns(term.columns)].filter(Boolean),
      said,
    );
  }

  // A name that its piece has no room for is left out: it stands above the row.
  fit() {
    for (const segment of this.root.querySelectorAll(".segment")) {
      const name = segment.firstChild;
      name.hidden = false;
      name.hidden = name.offsetWidth + 6 > segment.clientWidth;
    }
  }
}

function made(kind, name = "", text = "") {
  const element = document.createElement(kind);
  element.className = name;
  element.textContent = text;
  return element;
}

function head(text) {
  const line = made("p", "head");
  line.append(...emphasised(text).map(({ part, bold }) => (bold ? made("b", "", part) : part)));
  return line;
}

function drawn(kind, attributes) {
  const element = document.createElementNS(SVG, kind);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}

function plane(data) {
  if (!data) return null;
  const across = x => drawingX(x, data.window);
  const down = y => drawingY(y, data.window);
  const long = length => drawingLength(length, data.window);
  const svg = drawn("svg", {
    viewBox: `0 0 ${SPACE} ${SPACE}`,
    role: "img",
    "aria-label": data.alt,
  });
  svg.append(
    drawn("rect", {
      x: 0.5,
      y: 0.5,
      width: SPACE - 1,
      height: SPACE - 1,
      fill: "none",
      stroke: "currentColor",
      opacity: 0.3,
    }),
  );
  for (const axis of [
    { x1: across(0), x2: across(0), y1: 0, y2: SPACE },
    { x1: 0, x2: SPACE, y1: down(0), y2: down(0) },
  ]) {
    svg.append(drawn("line", { ...axis, stroke: "currentColor", opacity: 0.2 }));
  }
  if (data.image) {
    const { x: left, y: top, half: reach, source } = data.image;
    svg.append(
      drawn("image", {
        href: source,
        x: across(left - reach),
        y: down(top + reach),
        width: long(2 * reach),
        height: long(2 * reach),
      }),
    );
  }
  for (const ellipse of data.ellipses) {
    const colour = ellipse.colour || "currentColor";
    const place = { cx: across(ellipse.x), cy: down(ellipse.y) };
    svg.append(
      drawn("ellipse", {
        ...place,
        rx: Math.max(2, long(ellipse.across)),
        ry: Math.max(2, long(ellipse.down)),
        fill: "none",
        stroke: colour,
        "stroke-width": 2,
      }),
    );
    if (!data.points || !ellipse.colour) continue;
    for (const stroke of strokes(place, Math.max(long(ellipse.across), long(ellipse.down)))) {
      svg.append(drawn("line", { ...stroke, stroke: colour, "stroke-width": 3 }));
    }
  }
  return svg;
}

function columns(data) {
  if (!data) return null;
  const [width, height] = [480, 200];
  const svg = drawn("svg", {
    viewBox: `0 0 ${width} ${height + 4}`,
    role: "img",
    "aria-label": data.alt,
    class: "columns",
  });
  const label = drawn("text", {
    x: width - 4,
    y: 16,
    "text-anchor": "end",
    fill: "currentColor",
    "font-size": 15,
  });
  label.textContent = `max ${largest(data.values).toFixed(2)} nats`;
  for (const shape of columnShapes(data.values, width, height)) {
    svg.append(drawn("rect", { ...shape, fill: data.colour }));
  }
  svg.append(
    drawn("line", {
      x1: 0,
      x2: width,
      y1: height + 1,
      y2: height + 1,
      stroke: "currentColor",
      opacity: 0.5,
    }),
    label,
  );
  return svg;
}

// Called again when the data or the theme change.
export default function ({ data, parentElement }) {
  let view = VIEWS.get(parentElement);
  if (!view?.root.isConnected) {
    view?.remove();
    view = new FormulaView(parentElement);
    VIEWS.set(parentElement, view);
  }
  view.update(data);
  return () => {
    if (!view.root.isConnected) view.remove();
  };
}
