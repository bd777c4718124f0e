import assert from "node:assert/strict";
import { test } from "node:test";
import { colourAt, every, level } from "../../../ui/film/heat.js";

test("the scale of colours goes from a thousandth of a nat to ten, and ends there", () => {
  assert.deepEqual([0, 0.001, 10, 50].map(level), [0, 0, 1, 1]);
  assert.ok(Math.abs(level(0.1) - 0.5) < 1e-12);
});

test("a colour lies between its neighbours", () => {
  const scale = [
    [0, 0, 0],
    [100, 50, 0],
    [200, 50, 255],
  ];
  assert.deepEqual(
    [0, 0.25, 0.5, 1].map(share => colourAt(scale, share)),
    [
      [0, 0, 0],
      [50, 25, 0],
      [100, 50, 0],
      [200, 50, 255],
    ],
  );
});

test("numbers that have no room are left out", () => {
  assert.equal(every(34, 200, 12), 3);
  assert.equal(every(4, 200, 12), 1);
  assert.equal(every(4, 0, 12), 4);
});
