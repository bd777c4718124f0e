import assert from "node:assert/strict";
import { test } from "node:test";
import { byRate, columnAt, stepped } from "../../../ui/film/bars.js";

test("the most used dimension stands first, and equal ones keep their order", () => {
  assert.deepEqual(byRate(new Float32Array([0, 2, 0, 5, 2])), [3, 1, 4, 0, 2]);
});

test("a click beside the bars chooses none", () => {
  const place = { left: 40, width: 100, count: 10 };
  assert.deepEqual(
    [39, 40, 49, 50, 139, 140].map(x => columnAt(x, place)),
    [null, 0, 0, 1, 9, null],
  );
});

test("keys go along the bars and not beyond their ends", () => {
  const key = name => ({ key: name });
  assert.equal(stepped(3, key("ArrowRight"), 10), 4);
  assert.equal(stepped(0, key("ArrowLeft"), 10), 0);
  assert.equal(stepped(3, key("End"), 10), 9);
  assert.equal(stepped(8, key("PageUp"), 10), 9);
  assert.equal(stepped(3, key("a"), 10), null);
  assert.equal(stepped(3, { key: "ArrowRight", ctrlKey: true }, 10), null);
});
