import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import show, {
  columnShapes,
  drawingLength,
  drawingX,
  drawingY,
  emphasised,
  inside,
  largest,
  strokes,
} from "../../../ui/widgets/components/formula.js";
import { element, openPage } from "../elements.js";

const WINDOW = { x: 1, y: -2, half: 4 };

test("the window's edges are the drawing's edges, up is less", () => {
  assert.deepEqual(
    [-3, 1, 5].map(x => drawingX(x, WINDOW)),
    [0, 150, 300],
  );
  assert.deepEqual(
    [2, -2, -6].map(y => drawingY(y, WINDOW)),
    [0, 150, 300],
  );
  assert.equal(drawingLength(2, WINDOW), 75);
});

test("columns stand on the ground side by side, as high as their values", () => {
  assert.deepEqual(columnShapes([4, 2, 1, 0], 400, 200), [
    { x: 1, y: 0, width: 98, height: 200 },
    { x: 101, y: 100, width: 98, height: 100 },
    { x: 201, y: 150, width: 98, height: 50 },
    { x: 301, y: 199, width: 98, height: 1 },
  ]);
});

test("where all is 0 nothing is divided by 0", () => {
  assert.equal(largest([0, 0]), 1e-6);
  assert.deepEqual(
    columnShapes([0, 0], 20, 10).map(shape => shape.height),
    [1, 1],
  );
});

test("four strokes point to a place and leave it free", () => {
  const found = strokes({ cx: 100, cy: 50 }, 4);
  assert.deepEqual(found[0], { x1: 110, y1: 50, x2: 120, y2: 50 });
  assert.deepEqual(found[1], { x1: 90, y1: 50, x2: 80, y2: 50 });
  assert.deepEqual(found[2], { x1: 100, y1: 60, x2: 100, y2: 70 });
  assert.deepEqual(found[3], { x1: 100, y1: 40, x2: 100, y2: 30 });
});

test("what stands between two asterisks each is bold", () => {
  assert.deepEqual(emphasised("ELBO **−86.9** nats"), [
    { part: "ELBO ", bold: false },
    { part: "−86.9", bold: true },
    { part: " nats", bold: false },
  ]);
  assert.deepEqual(emphasised("plain"), [{ part: "plain", bold: false }]);
});

test("ticks whose labels would stick out are left out", () => {
  const ticks = [0, 3.9, 4, 50, 96, 96.1].map(left => ({ left }));
  assert.deepEqual(inside(ticks), [{ left: 4 }, { left: 50 }, { left: 96 }]);
});

// The component itself, on a page that only remembers what it is told.

const TERMS = ["evidence", "distortion", "rate"].map((term, index) => ({
  term,
  name: term,
  value: `${index}`,
  colour: `#00000${index}`,
  alt: `all of ${term}`,
  said: `what ${term} is`,
}));

const BARS = {
  alt: "bars",
  axis: "nats",
  rows: [
    {
      head: "ELBO",
      segments: [
        { term: "distortion", left: 10, width: 35.5, label: "distortion", colour: "#000001" },
        { term: "rate", left: 45.5, width: 20, label: "rate", cut: true },
      ],
    },
  ],
  marks: [
    { left: 61, label: "log p(x)" },
    { left: 60, label: "other", faint: true },
  ],
  ticks: [
    { left: 2, label: "−100" },
    { left: 40, label: "−50" },
  ],
};

function opened(data) {
  const names = ["div.formula", "div.bars", "div.loose", "div.panel"];
  const root = element("root", element("div.formula-root", ...names));
  const update = more =>
    show({ data: { formula: TERMS, bars: BARS, ...data, ...more }, parentElement: root });
  update({});
  const all = selector => root.querySelectorAll(selector);
  const lit = () => all(".lit").map(found => found.dataset.term);
  const pressed = () =>
    all("button")
      .filter(button => button.attributes["aria-pressed"] === "true")
      .map(button => button.dataset.term);
  const panel = () => root.querySelector(".panel").querySelector("b")?.textContent;
  return { root, update, all, lit, pressed, panel };
}

beforeEach(openPage);

test("pieces of a bar stand where they are told to and are as wide", () => {
  const { all } = opened();
  const pieces = all(".segment");
  assert.deepEqual(
    pieces.map(({ style, className }) => [style.left, style.width, className]),
    [
      ["10%", "35.5%", "segment distortion"],
      ["45.5%", "20%", "segment rate cut"],
    ],
  );
  assert.equal(pieces[0].style["--colour"], "#000001");
});

test("marks near the right end have their label on the left", () => {
  const { all } = opened();
  assert.deepEqual(
    all(".mark").map(mark => [mark.style.left, mark.className, mark.children.length]),
    [
      ["61%", "mark left", 1],
      ["60%", "mark faint", 0],
    ],
  );
  assert.deepEqual(
    all(".ticks")[0].children.map(tick => tick.textContent),
    ["−50"],
  );
  assert.equal(all(".axis")[0].textContent, "nats · ⋯ other");
});

test("pointing lights a term and its pieces up, what is pressed stays", () => {
  const { all, lit, pressed, panel } = opened();
  assert.deepEqual([lit(), pressed(), panel()], [["evidence"], ["evidence"], "all of evidence"]);
  const [, distortion] = all("button");
  const [, rate] = all(".segment");
  rate.happen("pointerenter", { pointerType: "touch" });
  assert.deepEqual(lit(), ["evidence"]);
  rate.happen("pointerenter", { pointerType: "mouse" });
  assert.deepEqual([lit(), pressed(), panel()], [["rate", "rate"], ["evidence"], "all of rate"]);
  distortion.happen("click");
  rate.happen("pointerleave");
  assert.deepEqual(
    [lit(), pressed(), panel()],
    [["distortion", "distortion"], ["distortion"], "all of distortion"],
  );
});

test("what is pressed stays when the numbers change, while there is such a term", () => {
  const { all, update, pressed } = opened();
  all("button")[2].happen("click");
  update({ bars: { ...BARS, axis: "bits" } });
  assert.deepEqual(pressed(), ["rate"]);
  update({ formula: TERMS.slice(0, 2) });
  assert.deepEqual(pressed(), ["evidence"]);
});

test("a name that its piece has no room for is hidden", () => {
  const { root, all, update } = opened();
  const create = document.createElement;
  const widths = { distortion: 94, rate: 95 };
  document.createElement = kind => {
    const made = create(kind);
    Object.defineProperty(made, "offsetWidth", { get: () => widths[made.textContent] });
    return Object.assign(made, { clientWidth: 100 });
  };
  update({ bars: { ...BARS, alt: "other" } });
  assert.deepEqual(
    all(".segment").map(piece => piece.firstChild.hidden),
    [false, true],
  );
  assert.ok(root.querySelector(".bars").attributes["aria-label"] === "other");
});

test("a term's plane shows an ellipse at its place, not smaller than can be seen", () => {
  const ellipses = [
    { x: 1, y: -2, across: 2, down: 0.001, colour: "#123456" },
    { x: 5, y: 2, across: 1, down: 1, colour: "" },
  ];
  const plane = { window: WINDOW, alt: "plane", ellipses, points: true };
  const { all } = opened({ formula: [{ ...TERMS[0], plane }] });
  const { cx, cy, rx, ry } = all("ellipse")[0].attributes;
  assert.deepEqual([cx, cy, rx, ry], ["150", "150", "75", "2"]);
  const strokes = all("line").filter(line => line.attributes["stroke-width"] === "3");
  assert.equal(strokes.length, 4); // to the coloured one only
  assert.equal(strokes[0].attributes.x1, "231");
  const without = opened({ formula: [{ ...TERMS[0], plane: { ...plane, points: false } }] });
  assert.equal(without.all("line").length, all("line").length - 4);
});

test("nothing is drawn anew when only the theme changes", () => {
  const { all, update } = opened();
  const [before] = all("button");
  update({});
  assert.equal(all("button")[0], before);
});

test("a term's columns are labelled with the largest", () => {
  const columns = { values: [0.5, 2], alt: "KL of each", colour: "#123456" };
  const { all } = opened({ formula: [{ ...TERMS[0], columns }] });
  assert.equal(all("text")[0].textContent, "max 2.00 nats");
  assert.deepEqual(
    all("rect").map(rect => rect.attributes.height),
    ["50", "200"],
  );
});
