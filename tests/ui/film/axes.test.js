import assert from "node:assert/strict";
import { test } from "node:test";
import { alongLog, nearestTo, ticksTo } from "../../../ui/film/axes.js";

test("ticks are round numbers from zero to the most, about as many as there is room", () => {
  assert.deepEqual(ticksTo(16.4, 4), [0, 5, 10, 15]);
  assert.deepEqual(ticksTo(0.31, 3), [0, 0.2]);
  assert.deepEqual(ticksTo(0.3, 3), [0, 0.1, 0.2, 0.3]);
});

test("equal ratios are equal lengths on a logarithmic axis", () => {
  const places = [0.01, 0.1, 1].map(value => alongLog(value, 0.01, 1));
  assert.deepEqual(
    places.map(place => Number(place.toFixed(9))),
    [0, 0.5, 1],
  );
});

test("the nearest place is found, beyond the ends too", () => {
  assert.deepEqual(
    [-9, 4, 6, 99].map(x => nearestTo([0, 3, 8, 10], x)),
    [0, 1, 2, 3],
  );
});
