import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { deflateSync } from "node:zlib";
import carry, {
  framed,
  framing,
  keep,
  nearestFirst,
  numbersOf,
  opened,
  Player,
  place,
} from "../../../ui/film/film.js";
import { openPage, stopClock } from "../elements.js";

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
  delete globalThis.vaeLabFilm;
});

test("numbers that were packed are the same numbers, little endian, wherever they begin", () => {
  const bytes = Uint8Array.of(7, 0, 0, 0x80, 0x3f, 0, 0, 0x20, 0xc0);
  assert.deepEqual([...numbersOf(bytes.subarray(1))], [1, -2.5]);
});

test("a message is opened: its header, and the bytes that it refers to", async () => {
  const header = deflateSync('{"id":"f","film":{"z":{"offset":4,"length":2},"n":[1]}}');
  const start = 4 * Math.ceil((4 + header.length) / 4);
  const message = new Uint8Array(3 + start + 8); // in a larger buffer
  new DataView(message.buffer).setUint32(3, header.length, true);
  message.set(header, 7);
  message.set([1, 2, 3, 4, 5, 6, 7, 8], 3 + start);
  const { id, film } = await opened(message.subarray(3));
  assert.equal(id, "f");
  assert.deepEqual([...film.z], [5, 6]);
  assert.deepEqual(film.n, [1]);
});

test("three greys lie in one sheet, colours each in its own", () => {
  assert.deepEqual(
    [0, 2, 3, 7].map(number => place("rgb", number)),
    [
      { down: 0, channel: 0 },
      { down: 0, channel: 2 },
      { down: 1, channel: 0 },
      { down: 2, channel: 1 },
    ],
  );
  assert.deepEqual(place("plain", 7), { down: 7, channel: null });
});

test("two pixels lie between two tiles, none around them", () => {
  const gallery = { height: 28, width: 20, columns: 8, count: 32 };
  assert.deepEqual(framing(gallery), { rows: 4, width: 174, height: 118 });
  assert.deepEqual(framing({ ...gallery, count: 3 }), { rows: 1, width: 64, height: 28 });
});

const GALLERY = { height: 1, width: 1, columns: 2, count: 3 };
const grey = value => [value, value, value, 255];

test("a frame of a grey sheet is one of its channels, its tiles moved apart", () => {
  // Two frames down, each of two rows of two tiles.
  const data = new Uint8ClampedArray(
    [0, 10, 20, 30, 40, 50, 60, 70].flatMap(value => [value, value + 1, value + 2, 255]),
  );
  const pixels = framed({ data, width: 2 }, { down: 1, channel: 2 }, GALLERY);
  const gap = grey(128);
  assert.deepEqual(
    [...pixels],
    [
      ...[grey(42), gap, gap, grey(52)],
      ...[gap, gap, gap, gap],
      ...[gap, gap, gap, gap],
      ...[grey(62), gap, gap, gap],
    ].flat(),
  );
});

test("a frame of colours keeps them", () => {
  const data = new Uint8ClampedArray([1, 2, 3, 255, 4, 5, 6, 255, 7, 8, 9, 255, 0, 0, 0, 255]);
  const pixels = framed({ data, width: 2 }, place("plain", 0), GALLERY);
  assert.deepEqual([...pixels.slice(0, 4)], [1, 2, 3, 255]);
  assert.deepEqual([...pixels.slice(12, 16)], [4, 5, 6, 255]);
  assert.deepEqual([...pixels.slice(48, 52)], [7, 8, 9, 255]);
});

test("sheets are unpacked from the stop under the hand outwards", () => {
  const sheets = [0, 1, 2, 3, 4].map(first => ({ first: 3 * first, count: 3 }));
  const order = nearestFirst(sheets, 7).map(({ first }) => first);
  assert.deepEqual(order, [6, 3, 9, 0, 12]);
});

test("of many moves within a frame the newest is told, once", () => {
  const player = new Player();
  const told = [];
  player.subscribe("a", (index, { hand }) => told.push([index, hand]));
  player.subscribe("b", () => told.push("another scope"));
  player.move("a", 3, { hand: true });
  player.move("a", 4);
  player.move("a", 9);
  assert.equal(player.index("a"), 9);
  assert.deepEqual(told, []);
  nextFrame();
  assert.deepEqual(told, [[9, true]]);
  player.move("a", 9);
  nextFrame();
  player.move("a", 8);
  nextFrame();
  assert.deepEqual(told.slice(1), [[8, false]]);
});

test("rest is told 150 ms after the last frame, once", () => {
  const player = new Player();
  const rested = [];
  const leave = player.subscribe(
    "a",
    () => {},
    index => rested.push(index),
  );
  for (const index of [1, 2, 3]) {
    player.move("a", index);
    nextFrame();
    forward(149);
  }
  assert.deepEqual(rested, []);
  forward(1);
  assert.deepEqual(rested, [3]);
  leave();
  player.move("a", 4);
  nextFrame();
  forward(1000);
  assert.deepEqual(rested, [3]);
});

test("a view that fails doesn't stop the others", t => {
  t.mock.method(console, "error", () => {});
  const player = new Player();
  const told = [];
  player.subscribe("a", () => assert.fail());
  player.subscribe("a", index => told.push(index));
  player.move("a", 1);
  nextFrame();
  assert.deepEqual(told, [1]);
});

test("nothing is shown before somebody has moved", () => {
  assert.equal(new Player().index("a"), undefined);
  assert.equal(new Player().film("a"), undefined);
});

test("of many only the last four are kept; what is used again is the newest", () => {
  const kept = new Map();
  for (const id of "abcdaef") keep(kept, id, id);
  assert.equal([...kept.keys()].join(""), "daef");
});

test("of large galleries fewer are kept, the newest always", () => {
  const gallery = megabytes => ({ frames: [], width: 1000, height: 250, betas: Array(megabytes) });
  const kept = new Map();
  keep(kept, "a", gallery(30));
  keep(kept, "b", gallery(45));
  assert.equal([...kept.keys()].join(""), "ab");
  keep(kept, "c", gallery(40));
  assert.equal([...kept.keys()].join(""), "c");
  keep(kept, "d", gallery(200));
  assert.equal([...kept.keys()].join(""), "d");
});

test("views that were there before the player hear of it", () => {
  let heard = 0;
  addEventListener("vae-lab-film", () => {
    heard += 1;
  });
  carry({ data: null });
  carry({ data: null });
  assert.equal(heard, 1);
  assert.ok(globalThis.vaeLabFilm);
});
