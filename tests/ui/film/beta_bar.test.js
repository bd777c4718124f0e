import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import show, { accepted, ends, filled, Rest, share } from "../../../ui/film/beta_bar.js";
import { Player } from "../../../ui/film/film.js";
import { element, openPage, stopClock } from "../elements.js";

const BETAS = [0.01, 0.1, 1, 10];
const DATA = {
  scope: "playground",
  betas: BETAS,
  labels: BETAS.map(String),
  at: 1,
  words: { beta: "Beta", ends: "0.01 keeps … 10 collapses", alt: "Beta {beta}, {n} of {count}" },
};
let forward;
let nextFrame;

beforeEach(() => {
  openPage();
  forward = stopClock();
  const asked = [];
  globalThis.requestAnimationFrame = act => asked.push(act);
  nextFrame = () => {
    for (const act of asked.splice(0)) act();
  };
  globalThis.vaeLabFilm = new Player();
});

test("the ends of the slider are 0 and 1, and one stop is no division by zero", () => {
  assert.deepEqual(
    [0, 1, 3].map(index => share(index, 4)),
    [0, 1 / 3, 1],
  );
  assert.equal(share(0, 1), 0);
});

test("words of the two ends", () => {
  assert.deepEqual(ends("0.01 keeps detail … 50 collapses"), ["0.01 keeps detail", "50 collapses"]);
  assert.deepEqual(ends("no ends"), ["no ends", ""]);
});

test("names in a text are filled in, others stay", () => {
  assert.equal(filled("{n} of {count}, {else}", { n: 1, count: 2 }), "1 of 2, {else}");
});

test("the server's stop is taken where the server changed it and the hand is still", () => {
  const still = { moving: false, sent: [] };
  const before = { at: 1, betas: BETAS };
  assert.ok(accepted({ at: 1, betas: BETAS }, undefined, still));
  assert.ok(!accepted({ at: 1, betas: BETAS }, before, still));
  assert.ok(accepted({ at: 2, betas: BETAS }, before, still));
  assert.ok(!accepted({ at: 2, betas: BETAS }, before, { ...still, moving: true }));
  assert.ok(accepted({ at: 1, betas: [1, 2] }, before, { ...still, moving: true }));
});

test("the answer to an older move comes late and is not taken", () => {
  const before = { at: 1, betas: BETAS };
  const moves = { moving: false, sent: [2, 3] };
  assert.ok(!accepted({ at: 2, betas: BETAS }, before, moves));
  assert.ok(accepted({ at: 3, betas: BETAS }, before, moves));
});

function waited() {
  const acts = [];
  return [new Rest(() => acts.push("rested")), acts];
}

test("the hand rests 250 ms after its last input", () => {
  const [rest, acts] = waited();
  rest.input();
  forward(249);
  rest.input();
  forward(249);
  assert.deepEqual([acts.length, rest.moving], [0, true]);
  forward(1);
  assert.deepEqual([acts.length, rest.moving], [1, false]);
});

test("while the pointer is down it rests after 600 ms, or 250 ms on when it is let go", () => {
  const [rest, acts] = waited();
  rest.down();
  rest.input();
  forward(250);
  forward(349);
  assert.equal(acts.length, 0);
  forward(1);
  assert.equal(acts.length, 1);
  rest.input();
  forward(250);
  rest.up();
  assert.equal(acts.length, 2);
  rest.down();
  rest.input();
  rest.up();
  forward(249);
  assert.equal(acts.length, 2);
  forward(1);
  assert.equal(acts.length, 3);
});

test("what is not waited for is not acted on", () => {
  const [rest, acts] = waited();
  rest.down();
  rest.up();
  forward(1000);
  assert.equal(acts.length, 0);
});

function bar() {
  const input = element("input");
  const names = ["name", "help", "explained", "phone-value", "slide", "bubble"];
  const parts = names.map(name => element(`span.${name}`));
  const root = element("div.film-bar", ...parts, element("div.ends", "span", "span"), input);
  const parentElement = element("div", root);
  const sent = [];
  const setStateValue = (name, value) => sent.push([name, value]);
  const update = data => show({ data: { ...DATA, ...data }, parentElement, setStateValue });
  update();
  const slide = index => {
    input.value = index;
    input.happen("input");
  };
  return { root, input, sent, update, slide };
}

test("the slider moves at once, the server hears of it once, at rest", () => {
  const { input, sent, slide } = bar();
  assert.equal(globalThis.vaeLabFilm.index("playground"), 1);
  slide(2);
  slide(3);
  assert.equal(globalThis.vaeLabFilm.index("playground"), 3);
  assert.equal(input.attributes["aria-valuetext"], "Beta 10, 4 of 4");
  nextFrame();
  assert.deepEqual(sent, []);
  forward(250);
  assert.deepEqual(sent, [["beta", 10]]);
  slide(2);
  slide(3);
  forward(250);
  assert.equal(sent.length, 1);
});

test("what the server already has is not sent", () => {
  const { sent, slide } = bar();
  slide(2);
  slide(1);
  forward(250);
  assert.deepEqual(sent, []);
});

test("a move of the plane is shown and sent at rest, the server's is not sent back", () => {
  const { input, sent, update } = bar();
  nextFrame();
  globalThis.vaeLabFilm.move("playground", 2, { hand: true });
  nextFrame();
  assert.equal(input.value, 2);
  forward(250);
  assert.deepEqual(sent, [["beta", 1]]);
  update({ at: 2 });
  update({ at: 0 });
  assert.equal(input.value, 0);
  nextFrame();
  forward(1000);
  assert.equal(sent.length, 1);
});

test("an answer to an older move doesn't move the slider back", () => {
  const { input, sent, update, slide } = bar();
  slide(2);
  forward(250);
  slide(3);
  update({ at: 2 });
  assert.equal(input.value, 3);
  forward(250);
  slide(0);
  forward(250);
  update({ at: 3 });
  assert.equal(input.value, 0);
  update({ at: 0 });
  assert.equal(input.value, 0);
  assert.deepEqual(
    sent.map(([, beta]) => beta),
    [1, 10, 0.01],
  );
});

test("other stops of another model are taken, whatever the hand does", () => {
  const { input, update, slide } = bar();
  slide(3);
  update({ betas: [0.5, 5], labels: ["0.5", "5"], at: 0 });
  assert.deepEqual([input.max, input.value], [1, 0]);
  assert.equal(globalThis.vaeLabFilm.index("playground"), 0);
});
