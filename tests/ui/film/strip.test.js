import assert from "node:assert/strict";
import { test } from "node:test";
import { differenceColour, frameOf, rowWidth } from "../../../ui/film/strip.js";

test("two pixels lie between the tiles of a row", () => {
  assert.equal(rowWidth({ tiles: 11, width: 28 }), 328);
  assert.equal(rowWidth({ tiles: 1, width: 28 }), 28);
});

test("lost light is blue, gained light orange, and what stays is dark", () => {
  assert.deepEqual(differenceColour(127), [24, 24, 27]);
  assert.deepEqual(differenceColour(0), [60, 150, 225]);
  assert.deepEqual(differenceColour(254), [235, 120, 40]);
  assert.deepEqual(differenceColour(255), [235, 120, 40]);
});

test("a grey frame is one channel of its sheet, opaque", () => {
  const sheets = [{ data: new Uint8ClampedArray([1, 2, 3, 255, 4, 5, 6, 255]) }];
  const frame = frameOf(sheets, 1, { packing: "grey" });
  assert.deepEqual([...frame], [2, 2, 2, 255, 5, 5, 5, 255]);
});

test("the fourth grey frame lies in the second sheet", () => {
  const sheets = [1, 7].map(first => ({ data: new Uint8ClampedArray([first, 2, 3, 255]) }));
  assert.deepEqual([...frameOf(sheets, 3, { packing: "grey" })], [7, 7, 7, 255]);
});

test("a signed frame is coloured and one in colour is its own sheet", () => {
  const sheets = [{ data: new Uint8ClampedArray([254, 127, 0, 255]) }];
  assert.deepEqual([...frameOf(sheets, 2, { packing: "signed" })], [60, 150, 225, 255]);
  assert.deepEqual([...frameOf(sheets, 0, { packing: "plain" })], [254, 127, 0, 255]);
});
