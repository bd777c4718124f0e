import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import carry, { offset, paint, unpacked } from "../../../ui/widgets/components/map_tiles.js";
import { openPage } from "../elements.js";

const packed = array => Buffer.from(array.buffer).toString("base64");
const numbers = (...values) => packed(new Float32Array(values));
const tiles = (id, more) => ({
  id,
  sheet: "data:,",
  means: numbers(1.5, -2),
  deviations: numbers(0.25, 0.5),
  labels: packed(new Uint8Array([207])),
  ...more,
});

beforeEach(() => {
  openPage();
  delete globalThis.vaeLabMapTiles;
});

test("numbers that were packed are the same numbers", () => {
  assert.deepEqual([...unpacked(numbers(0.5, -3.25), Float32Array)], [0.5, -3.25]);
  assert.deepEqual([...unpacked(packed(new Uint8Array([0, 9, 255])), Uint8Array)], [0, 9, 255]);
  assert.equal(unpacked("", Float32Array).length, 0);
});

test("little-endian, as Python packs them", () => {
  const one = Buffer.from([0, 0, 0x80, 0x3f]).toString("base64");
  assert.deepEqual([...unpacked(one, Float32Array)], [1]);
});

test("the middles of tiles are a tile apart, and one of an odd number is the middle", () => {
  const offsets = [0, 1, 2, 3, 4].map(index => offset(index, 5, 10));
  assert.deepEqual(
    offsets.map(value => Number(value.toFixed(9))),
    [-8, -4, 0, 4, 8],
  );
});

test("a tile is the sum of three pictures, clipped to black and white, and opaque", () => {
  const pixels = new Uint8ClampedArray(12);
  const pictures = {
    base: new Float32Array([0.5, 0.5, 0.5]),
    across: new Float32Array([0.25, 1, 0]),
    up: new Float32Array([0, 0, 1]),
  };
  paint(pixels, pictures, 1, -2);
  assert.deepEqual([...pixels], [191, 191, 191, 255, 255, 255, 255, 255, 0, 0, 0, 255]);
});

test("a plane of pixel space is drawn from top to bottom and from left to right", () => {
  const plane = {
    side: 2,
    tile: [1, 1],
    window: { x: 0.4, y: 0.2, half: 0.2 },
    base: numbers(0),
    across: numbers(1),
    up: numbers(1),
  };
  carry({ data: tiles("plane", { plane }) });
  const { sheet } = globalThis.vaeLabMapTiles.get("plane");
  assert.deepEqual([sheet.width, sheet.height], [2, 2]);
  const grey = share => [255 * share, 255 * share, 255 * share, 255].map(Math.round);
  assert.deepEqual(sheet.getContext("2d").called("putImageData"), [
    [grey(0.3 + 0.3), 0, 0],
    [grey(0.5 + 0.3), 1, 0],
    [grey(0.3 + 0.1), 0, 1],
    [grey(0.5 + 0.1), 1, 1],
  ]);
});

test("what came is kept under its id and told to the maps", async () => {
  const told = new Promise(resolve => addEventListener("vae-lab-map-tiles", resolve));
  carry({ data: tiles("a") });
  const { sheet, means, deviations, labels } = globalThis.vaeLabMapTiles.get("a");
  assert.equal(sheet.src, "data:,");
  assert.deepEqual([...means, ...deviations, ...labels], [1.5, -2, 0.25, 0.5, 207]);
  await told;
});

test("of many only the last six are kept, and the same is not unpacked again", () => {
  for (const id of "abcdefgh") carry({ data: tiles(id) });
  const kept = globalThis.vaeLabMapTiles;
  assert.equal([...kept.keys()].join(""), "cdefgh");
  const first = kept.get("h");
  carry({ data: tiles("h") });
  assert.equal(kept.get("h"), first);
});
