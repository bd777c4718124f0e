import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import show, {
  coordinates,
  digits,
  isClick,
  niceStep,
  places,
  pointAt,
  screenLength,
  screenX,
  screenY,
  shownPosteriors,
  stepped,
  ticks,
  tileAt,
} from "../../../ui/widgets/components/latent_map.js";
import { element, openPage, stopClock } from "../elements.js";

const WINDOW = { x: 1, y: -2, half: 4 }; // from -3 to 5 and from -6 to 2
const BOX = { left: 10, top: 20, width: 400, height: 400 };

test("the window's edges are the square's edges, up is less", () => {
  assert.deepEqual(
    [-3, 1, 5].map(x => screenX(x, WINDOW, 400)),
    [0, 200, 400],
  );
  assert.deepEqual(
    [2, -2, -6].map(y => screenY(y, WINDOW, 400)),
    [0, 200, 400],
  );
  assert.equal(screenLength(2, WINDOW, 400), 100);
});

test("a pointer points at what is drawn under it", () => {
  for (const [clientX, clientY] of [
    [10, 20],
    [210, 220],
    [60, 400],
    [410, 420],
  ]) {
    const [x, y] = pointAt({ clientX, clientY }, BOX, WINDOW);
    assert.equal(screenX(x, WINDOW, 400) + BOX.left, clientX);
    assert.equal(screenY(y, WINDOW, 400) + BOX.top, clientY);
  }
});

test("a pointer outside of the square points at nothing", () => {
  for (const [clientX, clientY] of [
    [9, 200],
    [411, 200],
    [200, 19],
    [200, 421],
  ]) {
    assert.equal(pointAt({ clientX, clientY }, BOX, WINDOW), null);
  }
  assert.equal(pointAt({ clientX: 10, clientY: 20 }, { ...BOX, width: 0 }, WINDOW), null);
});

test("what moves ten pixels while it is pressed is no click", () => {
  assert.ok(isClick([5, 5], [5, 14]));
  assert.ok(isClick([5, 5], [-1, 11]));
  assert.ok(!isClick([5, 5], [5, 15]));
  assert.ok(!isClick([5, 5], [13, 13]));
});

test("an arrow key moves by a fortieth of half a side, ten times as far with shift", () => {
  assert.deepEqual(stepped([1, -2], { key: "ArrowLeft" }, WINDOW), [0.9, -2]);
  assert.deepEqual(stepped([1, -2], { key: "ArrowRight" }, WINDOW), [1.1, -2]);
  assert.deepEqual(stepped([1, -2], { key: "ArrowUp" }, WINDOW), [1, -1.9]);
  assert.deepEqual(stepped([1, -2], { key: "ArrowDown" }, WINDOW), [1, -2.1]);
  assert.deepEqual(stepped([1, -2], { key: "ArrowUp", shiftKey: true }, WINDOW), [1, -1]);
});

test("an arrow key does not lead out of the window", () => {
  assert.deepEqual(stepped([4.95, 0], { key: "ArrowRight" }, WINDOW), [5, 0]);
  assert.deepEqual(stepped([-2.5, 0], { key: "ArrowLeft", shiftKey: true }, WINDOW), [-3, 0]);
  assert.deepEqual(stepped([0, 1.95], { key: "ArrowUp" }, WINDOW), [0, 2]);
  assert.deepEqual(stepped([0, -5.5], { key: "ArrowDown", shiftKey: true }, WINDOW), [0, -6]);
  assert.deepEqual(stepped([9, -9], { key: "ArrowUp" }, WINDOW), [5, -6]); // from outside
});

test("other keys, and the browser's own, move nothing", () => {
  assert.equal(stepped([1, -2], { key: "a" }, WINDOW), null);
  for (const modifier of ["ctrlKey", "metaKey", "altKey"]) {
    assert.equal(stepped([1, -2], { key: "ArrowUp", [modifier]: true }, WINDOW), null);
  }
});

test("a coordinate has the places of a step, at least two", () => {
  assert.deepEqual([4, 0.4, 0.2, 0.04].map(digits), [2, 2, 3, 3]);
  assert.equal(coordinates(-0.5, 1.234, 4, "z"), "z = (−0.50, 1.23)");
  assert.equal(coordinates(0.1, -0.0567, 0.2, "x"), "x = (0.100, −0.057)");
});

test("a point's tile is the one that it lies in", () => {
  assert.deepEqual(tileAt([1, -2], WINDOW, 41), [20, 20]);
  assert.deepEqual(tileAt([-3, 2], WINDOW, 4), [0, 0]);
  assert.deepEqual(tileAt([-1.01, 0.1], WINDOW, 4), [0, 0]);
  assert.deepEqual(tileAt([-0.99, -0.1], WINDOW, 4), [1, 1]);
  assert.deepEqual(tileAt([4.9, -1.9], WINDOW, 4), [1, 3]);
});

test("on the edge and outside it is the nearest", () => {
  assert.deepEqual(tileAt([5, -6], WINDOW, 4), [3, 3]);
  assert.deepEqual(tileAt([50, 50], WINDOW, 4), [0, 3]);
  assert.deepEqual(tileAt([-50, -50], WINDOW, 4), [3, 0]);
});

test("ticks are 1, 2 or 5 times a power of ten apart", () => {
  const rough = [1, 0.3, 3, 0.06, 7, 20];
  assert.deepEqual(
    rough.map(value => Number(niceStep(value).toPrecision(9))),
    [1, 0.5, 5, 0.1, 10, 20],
  );
  assert.equal(niceStep(2.001), 2); // what is only rounding is no reason for the next one
  assert.deepEqual([10, 1, 0.5, 0.1, 0.02].map(places), [0, 0, 1, 1, 2]);
});

test("ticks are the multiples inside of the window", () => {
  assert.deepEqual(
    ticks(1, 4, 2).map(tick => tick * 2),
    [-2, 0, 2, 4],
  );
  assert.deepEqual(ticks(0, 2, 1), [-2, -1, 0, 1, 2]);
});

test("no more ellipses than asked for, and than there are deviations", () => {
  assert.equal(shownPosteriors(3, new Float32Array(20)), 3);
  assert.equal(shownPosteriors(30, new Float32Array(20)), 10);
  assert.equal(shownPosteriors(30, new Float32Array(0)), 0);
});

// The component itself, on a page that only remembers what it is told.

const DATA = {
  tiles: "a",
  side: 4,
  tile: [2, 3], // height and width
  window: WINDOW,
  count: 0,
  codes: true,
  own: null,
  rings: "solid",
  pin: null,
  pinned: false,
  alt: "map",
  text: { live: "here", pinned: "pinned" },
  legend: [{ shape: "own", colour: "#123456", label: "own" }],
  ellipses: [],
  trail: [],
  posterior: null,
  colours: ["#111111", "#222222"],
  ownColour: "#333333",
};

function opened(data) {
  const root = element(
    "root",
    element("div.plane", "canvas.drawing", "canvas.marks"),
    element("figure.live", "figcaption", "canvas", "p"),
    element("figure.pinned", "figcaption", "img", "p"),
    "ul.legend",
  );
  const plane = root.querySelector(".plane");
  Object.assign(plane, { clientWidth: 400, getBoundingClientRect: () => BOX });
  const sent = [];
  const send = (...given) => sent.push(given);
  const update = more =>
    show({ data: { ...DATA, ...data, ...more }, parentElement: root, setTriggerValue: send });
  update({});
  const said = () => root.querySelector(".live").querySelector("p").textContent;
  return { root, plane, update, sent, said };
}

let forward;

beforeEach(() => {
  openPage();
  forward = stopClock();
  delete globalThis.vaeLabMapTiles;
});

const primary = (clientX, clientY) => ({ isPrimary: true, button: 0, clientX, clientY });

test("a click pins the point; a drag only looks", () => {
  const { plane, sent, said } = opened();
  plane.happen("pointerdown", primary(110, 120));
  plane.happen("pointerup", primary(210, 220));
  forward(1000);
  assert.deepEqual(sent, []);
  assert.equal(said(), "z = (1.00, −2.00)");
  plane.happen("pointerdown", primary(110, 120));
  plane.happen("pointerup", primary(112, 120));
  forward(0);
  assert.deepEqual(sent, [["pin", { point: [1 + 4 * (102 / 200 - 1), 0] }]]);
});

test("the server is asked once when the arrow keys rest", () => {
  const { plane, sent, said } = opened();
  for (let count = 0; count < 3; count += 1) {
    assert.ok(plane.happen("keydown", { key: "ArrowRight" }).defaultPrevented);
    forward(200);
  }
  assert.deepEqual(sent, []);
  assert.equal(said(), "z = (1.30, −2.00)");
  forward(50);
  assert.equal(sent.length, 1);
  assert.ok(Math.abs(sent[0][1].point[0] - 1.3) < 1e-9);
});

test("an older answer does not move the pin back while the student moves on", () => {
  const { plane, update, said } = opened();
  plane.happen("keydown", { key: "ArrowUp" });
  const pin = { x: -3, y: 2, picture: "data:,", alt: "" };
  update({ pin, pinned: true });
  assert.equal(said(), "z = (1.00, −1.90)");
  forward(250);
  update({ pin, pinned: true });
  assert.equal(said(), "z = (−3.00, 2.00)");
});

test("Escape takes a pin away, also one outside of the window", () => {
  const { plane, sent } = opened({ pin: null, pinned: true });
  plane.happen("keydown", { key: "Escape" });
  forward(0);
  assert.deepEqual(sent, [["pin", { point: null }]]);
  const other = opened();
  other.plane.happen("keydown", { key: "Escape" });
  forward(0);
  assert.deepEqual(other.sent, []);
});

test("the tile under the pointer is cropped from the sheet", () => {
  const sheet = { width: 12 };
  const codes = { means: [], deviations: [], labels: [] };
  globalThis.vaeLabMapTiles = new Map([["a", { sheet, ...codes }]]);
  const { root, plane } = opened();
  plane.happen("pointermove", primary(310, 121));
  const tile = root.querySelector(".live").querySelector("canvas");
  assert.deepEqual([tile.width, tile.height], [3, 2]);
  assert.deepEqual(tile.getContext().called("drawImage").at(-1), [sheet, 9, 2, 3, 2, 0, 0, 3, 2]);
});

test("codes are drawn where they lie, ellipses as wide as their deviations", () => {
  const codes = { means: [1, -2, -3, 2], deviations: [1, 2, 0.5, 0.5], labels: [1, 0] };
  globalThis.vaeLabMapTiles = new Map([["a", { sheet: { width: 12 }, ...codes }]]);
  const { root } = opened({ count: 1 });
  const drawing = root.querySelector(".drawing").getContext();
  assert.deepEqual(drawing.called("fillText").slice(-2), [
    [0, 0, 0],
    [1, 200, 200],
  ]);
  assert.deepEqual(drawing.called("ellipse"), [[200, 200, 50, 100, 0, 0, 2 * Math.PI]]);
});
