import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { deflateSync } from "node:zlib";
import show, {
  at,
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
  summed,
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
    element("figure.pinned", "figcaption", "img", "canvas", "p"),
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
  delete globalThis.vaeLabFilm;
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

test("numbers are summed up from the second differences that Python packed", () => {
  // The bytes are those of test_map_frames.py.
  const bytes = Buffer.from("020302a7005c000000040009000000000000000000000000", "hex");
  assert.deepEqual([...summed(bytes, 3, 2)], [0.5, -1, 1.5, -300, 2.5, 0]);
  assert.deepEqual([...at(summed(bytes, 3, 2), 1, 3)], [1.5, -300]);
});

// The film of beta, with two stops.

const PICTURE = grey => ({ width: 1, height: 1, data: [grey, grey, grey, 255] });
const FILMS = { scope: "map", at: 0, codes: "c", picture: "p", pin: null };

// Whole numbers of two stops, as Python packs them at one step each.
function packed(first, second) {
  const differences = [...first, ...second.map((value, index) => value - 2 * first[index])];
  const bytes = new Uint8Array(4 * differences.length);
  for (const [index, value] of differences.entries()) {
    const bits = (value << 1) ^ (value >> 31);
    for (let byte = 0; byte < 4; byte += 1)
      bytes[byte * differences.length + index] = bits >>> (8 * byte);
  }
  return deflateSync(bytes);
}

const floats = (...values) => new Uint8Array(new Float32Array(values).buffer);

const PAGES = {
  c: {
    stops: 2,
    steps: { mean: 1, deviation: 1 },
    means: packed([1, -2], [3, 0]),
    deviations: packed([0, 0], [1, 0]),
    labels: new Uint8Array([7]),
  },
  p: {
    means: floats(1, -2, 2, -1),
    deviations: floats(0.5, 0.5, 1, 2),
    pictures: [PICTURE(10), PICTURE(20)],
    alts: ["map at 0", "map at 1"],
  },
  q: { pictures: [PICTURE(30), PICTURE(40)], alts: ["pin at 0", "pin at 1"] },
};

// A player that holds these pages and is moved by hand.
function player(pages = PAGES) {
  const made = {
    stop: undefined,
    pages,
    page: id => made.pages[id],
    index: () => made.stop,
    numbers: bytes => new Float32Array(bytes.slice().buffer),
    pictures: async pictures => pictures,
    subscribe(_, onFrame, onRest) {
      made.move = index => {
        made.stop = index;
        onFrame(index);
      };
      made.rest = () => onRest(made.stop);
      return () => {};
    },
  };
  globalThis.vaeLabFilm = made;
  return made;
}

// Waits until the map has been drawn so often: once for each of its films, which are inflated.
async function drawn(drawing, times) {
  while (drawing.called("fillRect").length < times) await new Promise(setImmediate);
}

async function filmed(more) {
  const codes = { means: [1, -2], deviations: [1, 1], labels: [7] };
  globalThis.vaeLabMapTiles = new Map([["a", { sheet: { width: 12 }, ...codes }]]);
  const own = { mean: [1, -2], deviation: [0.5, 0.5] };
  const map = opened({ films: FILMS, own, count: 1, posterior: null, ...more });
  const drawing = map.root.querySelector(".drawing").getContext();
  const { pages } = globalThis.vaeLabFilm;
  const films = Object.values({ ...FILMS, ...more?.films }).filter(id => id in pages);
  await drawn(drawing, 1 + films.length);
  const live = map.root.querySelector(".live").querySelector("canvas");
  return { ...map, drawing, live };
}

test("codes, ellipses and one's own posterior are those of the stop under the hand", async () => {
  player();
  const { drawing } = await filmed();
  assert.deepEqual(drawing.called("fillText").at(-1), [7, 200, 200]);
  globalThis.vaeLabFilm.move(1);
  assert.deepEqual(drawing.called("fillText").at(-1), [7, 300, 100]);
  const [code, ...own] = drawing.called("ellipse").slice(-4);
  assert.deepEqual(code.slice(0, 2), [300, 100]);
  assert.deepEqual(code.slice(2, 4).map(Math.round), [136, 50]); // e and 1 units wide
  assert.deepEqual(
    own.map(ellipse => ellipse.slice(0, 4)),
    [1, 2, 3].map(times => [250, 150, 50 * times, 100 * times]),
  );
});

test("while the hand is away a hovered point has no picture, one's own has the film's", async () => {
  player();
  const { plane, live, said } = await filmed();
  globalThis.vaeLabFilm.move(1);
  assert.deepEqual(live.getContext().called("putImageData").at(-1), [[20, 20, 20, 255], 0, 0]);
  assert.equal(said(), "z = (2.00, −1.00)");
  const before = live.getContext().called("drawImage").length;
  plane.happen("pointermove", primary(310, 121));
  assert.ok(live.classList.contains("empty"));
  assert.equal(live.getContext().called("drawImage").length, before);
  globalThis.vaeLabFilm.move(0);
  assert.ok(!live.classList.contains("empty"));
  assert.equal(live.getContext().called("drawImage").length, before + 1);
});

test("a pin has the film's picture, but not while its answer is awaited", async () => {
  player();
  const pin = { x: 3, y: 2, picture: "data:,", alt: "" };
  const { root, plane, live } = await filmed({ pin, pinned: true, films: { ...FILMS, pin: "q" } });
  globalThis.vaeLabFilm.move(1);
  const shown = root.querySelector(".pinned").querySelector("canvas");
  assert.deepEqual(shown.getContext().called("putImageData").at(-1), [[40, 40, 40, 255], 0, 0]);
  assert.equal(shown.attributes["aria-label"], "pin at 1");
  assert.ok(root.querySelector(".pinned").classList.contains("away"));
  plane.happen("keydown", { key: "ArrowDown" });
  assert.ok(live.classList.contains("empty"));
});

test("what is said of the map follows at rest; the server's answer says it itself", async () => {
  player();
  const { plane, update } = await filmed();
  globalThis.vaeLabFilm.move(1);
  assert.equal(plane.attributes["aria-label"], "map");
  globalThis.vaeLabFilm.rest();
  assert.equal(plane.attributes["aria-label"], "map at 1");
  update({ films: { ...FILMS, at: 1 }, alt: "the answer" });
  assert.equal(plane.attributes["aria-label"], "the answer");
});

test("the posterior under q is drawn at the server's beta alone", async () => {
  player();
  const posterior = { picture: "data:,", window: WINDOW };
  const { drawing, root, update } = await filmed({ posterior });
  globalThis.Image = class {
    complete = true;
    naturalWidth = 1;
  };
  update({ posterior: { ...posterior, picture: "data:,2" } });
  const before = drawing.called("drawImage").length;
  assert.ok(before);
  globalThis.vaeLabFilm.move(1);
  assert.equal(drawing.called("drawImage").length, before);
  assert.ok(root.querySelector(".legend").classList.contains("away"));
  globalThis.vaeLabFilm.move(0);
  assert.equal(drawing.called("drawImage").length, before + 1);
});

test("until the film is there what was drawn stays, dimmed", async () => {
  const made = player({});
  const { plane, drawing } = await filmed();
  const before = drawing.calls.length;
  made.move(1);
  assert.ok(plane.classList.contains("waiting"));
  assert.equal(drawing.calls.length, before);
  made.pages = PAGES;
  globalThis.dispatchEvent(new Event("vae-lab-film"));
  await drawn(drawing, 2); // dimmed until both are there
  assert.ok(!plane.classList.contains("waiting"));
  assert.deepEqual(drawing.called("fillText").at(-1), [7, 300, 100]);
});

test("another picture's film is not shown", async () => {
  const made = player();
  const { plane, update } = await filmed();
  made.move(1);
  assert.ok(!plane.classList.contains("waiting"));
  update({ films: { ...FILMS, picture: "another" } });
  assert.ok(plane.classList.contains("waiting"));
});

test("a map that does not move with beta never asks the player", () => {
  player().move = () => assert.fail();
  const { plane } = opened();
  globalThis.vaeLabFilm.stop = 1;
  plane.happen("pointermove", primary(310, 121));
  assert.ok(!plane.classList.contains("waiting"));
});
