import assert from "node:assert/strict";
import { test } from "node:test";
import {
  axis,
  grouped,
  nats,
  nearest,
  niceStep,
  placed,
  places,
  stepped,
  stopOf,
} from "../../../ui/film/plane.js";

test("a nice step is 1, 2 or 5 times a power of ten", () => {
  assert.deepEqual([0.03, 1, 1.1, 3, 60].map(niceStep), [0.05, 1, 2, 5, 100]);
});

test("an axis begins at zero where the least value is below half of the largest", () => {
  const { from, to, ticks } = axis([30, 200, null], 5);
  assert.equal(from, 0);
  assert.ok(to > 200);
  assert.deepEqual(ticks, [0, 50, 100, 150, 200]);
});

test("else at a nice number below the least", () => {
  const { from, ticks } = axis([923, 1000], 4);
  assert.equal(from, 920);
  assert.deepEqual(ticks, [920, 940, 960, 980, 1000]);
  assert.equal(axis([923, 1000], 4, true).from, 0);
});

test("an axis of one value, of zeros and of nothing has marks", () => {
  for (const values of [[5], [0, 0], [null], []]) {
    const { from, to, ticks } = axis(values, 4);
    assert.ok(to > from && ticks.length > 0 && ticks.every(Number.isFinite));
  }
});

test("marks have the decimal places that tell them apart", () => {
  assert.deepEqual([20, 1, 0.5, 0.02].map(places), [0, 0, 1, 2]);
});

test("a point of an infinite rate has no place", () => {
  const points = placed(
    { rate: [1, null], distortion: [2, 3] },
    x => 10 * x,
    y => 100 - y,
  );
  assert.deepEqual(points, [[10, 98], null]);
});

test("the nearest point is found, near enough", () => {
  const points = [[0, 0], null, [30, 0], [33, 0]];
  assert.deepEqual(nearest(points, 31, 0), { index: 2, distance: 1 });
  assert.deepEqual(nearest(points, 3, 4), { index: 0, distance: 5 });
  assert.equal(nearest(points, 100, 100), null);
  assert.equal(nearest(points, 100, 0, Infinity).index, 3);
});

test("a beta between two stops is of the nearer ratio", () => {
  assert.deepEqual(
    [0.01, 0.02, 0.05, 1, 60].map(beta => stopOf([0.01, 0.1, 1], beta)),
    [0, 0, 1, 2, 2],
  );
});

test("arrow keys go along the stops and not beyond", () => {
  const key = (index, name, more) => stepped(index, { key: name, ...more }, 10);
  assert.deepEqual([key(3, "ArrowRight"), key(3, "ArrowDown"), key(9, "ArrowUp")], [4, 2, 9]);
  assert.deepEqual([key(2, "PageDown"), key(2, "Home"), key(2, "End")], [0, 0, 9]);
  assert.equal(key(3, "a"), null);
  assert.equal(key(3, "ArrowRight", { ctrlKey: true }), null);
});

test("a minus is a minus", () => {
  assert.deepEqual([12.34, -0.5, 1234.5].map(nats), ["12.3", "−0.5", "1,235"]);
});

test("ticks have the decimals of their step, and commas between thousands", () => {
  assert.equal(grouped(48_000, 2000), "48,000");
  assert.equal(grouped(0.5, 0.25), "0.5");
});
