import assert from "node:assert/strict";
import { test } from "node:test";
import {
  columnAt,
  columns,
  columnText,
  explanation,
  lengths,
  nats,
  niceStep,
  parts,
  reach,
  sameStops,
  scaleOf,
  ticksTo,
} from "../../../ui/film/flow.js";

const pair = (distortion, rate) => ({ distortion, rate });

test("a nice step is 1, 2 or 5 times a power of ten", () => {
  assert.deepEqual([0.03, 1, 1.1, 3, 60].map(niceStep), [0.05, 1, 2, 5, 100]);
});

test("the chart reaches as far as the prior, or as the film's farthest bar or point", () => {
  assert.equal(reach({ mean: [0, 1], deviation: [1, 1], z: [2, -3] }), 3.4);
  assert.equal(reach({ mean: [0, -4], deviation: [1, 0.5], z: [2, -3] }), 4.5);
  assert.equal(reach({ mean: [0], deviation: [1], z: [-5] }), 5);
});

test("two dimensions have wide bars, 256 still have a pixel each", () => {
  assert.deepEqual(columns(2, 300), { step: 150, bar: 44, dot: 4 });
  const many = columns(256, 300);
  assert.ok(many.bar >= 1 && many.bar < many.step && many.dot >= 1);
});

test("a place of the chart is of the column that is drawn there", () => {
  assert.deepEqual(
    [-1, 0, 99, 100, 299, 300].map(x => columnAt(x, 3, 300)),
    [null, 0, 0, 1, 2, null],
  );
});

test("the scale of the loss is the film's, and follows where sums are a third of the largest", () => {
  const pairs = [pair([60, 100, 20], [30, 0, 5]), pair([40, 90, 10], [10, 20, 1])];
  assert.equal(scaleOf(pairs, 0), 110);
  assert.equal(scaleOf(pairs, 1), 110);
  assert.equal(scaleOf(pairs, 2), 50);
});

test("what is infinite or below zero has no length", () => {
  assert.deepEqual(parts(pair([-1], [null]), 0), [0, 0]);
  assert.equal(scaleOf([pair([0], [null])], 0), 1e-6);
});

test("the rate begins where the distortion ends", () => {
  assert.deepEqual(lengths(pair([30], [10]), 0, 80, 400), [
    { left: 0, length: 150 },
    { left: 150, length: 50 },
  ]);
});

test("marks go from zero to the scale, at most seven", () => {
  assert.deepEqual(ticksTo(50), [0, 10, 20, 30, 40, 50]);
  for (const scale of [0.3, 17, 99, 110, 3123]) {
    const ticks = ticksTo(scale);
    assert.ok(ticks.length >= 3 && ticks.length <= 7 && ticks.at(-1) < scale * 1.001);
  }
});

test("nats have a decimal place up to a thousand", () => {
  assert.deepEqual([0, 69.46, 999.9, 1234.5].map(nats), ["0.0", "69.5", "999.9", "1,235"]);
});

test("a column says its dimension's numbers at the stop", () => {
  const code = { dimensions: 2, names: ["Dimension 5", "Dimension 1"] };
  Object.assign(code, { mean: [0, 0, 0, -0.123], deviation: [1, 1, 1, 0.4], z: [0, 0, 0, 0.3] });
  assert.equal(columnText(code, 1, 1), "Dimension 1: mu −0.12, sigma 0.40, z 0.30");
  assert.equal(columnText(code, 1, 1, "{name}, {z}"), "Dimension 1, 0.30");
});

test("some explanations are the same at every stop", () => {
  assert.equal(explanation({ formula: "<math/>", html: ["a", "b"] }, 1), "<math/><p>b</p>");
  assert.equal(explanation({ formula: "<math/>", html: ["a"] }, 30), "<math/><p>a</p>");
});

test("the data's way is shown for the same stops only", () => {
  assert.ok(sameStops({ betas: [1, 2] }, { betas: [1, 2] }));
  assert.ok(!sameStops({ betas: [1, 2] }, { betas: [1, 3] }));
  assert.ok(!sameStops(undefined, { betas: [1] }));
});
