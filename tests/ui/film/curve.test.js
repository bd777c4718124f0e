import assert from "node:assert/strict";
import { test } from "node:test";
import { placed, side } from "../../../ui/film/curve.js";

const BOX = { left: 10, right: 110, top: 0, bottom: 100 };

test("betas a ratio apart are equally far apart, and larger values stand higher", () => {
  const { points } = placed({ betas: [0.01, 0.1, 1], values: [10, 5, 0] }, BOX);
  assert.deepEqual(
    points.map(([x]) => Math.round(x)),
    [10, 60, 110],
  );
  const [first, second, third] = points.map(([, y]) => y);
  assert.ok(first < second && second < third);
  assert.ok(first > BOX.top && third < BOX.bottom); // a mark at an end is whole
  assert.ok(Math.abs(third - second - (second - first)) < 1e-9);
});

test("the region begins where its beta lies", () => {
  const { across } = placed({ betas: [0.01, 0.1, 1], values: [1, 1, 0] }, BOX);
  assert.equal(Math.round(across(0.1)), 60);
});

test("a number stands right of its mark, but near the right edge left of it", () => {
  assert.equal(side(100, 400), "start");
  assert.equal(side(380, 400), "end");
});
