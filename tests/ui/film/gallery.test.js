import assert from "node:assert/strict";
import { test } from "node:test";
import { enlargement, shownStop, wanted } from "../../../ui/film/gallery.js";

test("a saved picture is enlarged by a whole factor, its shorter side to 448 pixels or more", () => {
  assert.equal(enlargement(238, 118), 4);
  assert.equal(enlargement(238, 448), 2);
  assert.equal(enlargement(526, 262), 2);
  assert.equal(enlargement(1054, 526), 1);
});

test("the last frame stays while the one under the hand is not there", () => {
  const frames = [{}, undefined, {}];
  assert.equal(shownStop(frames, 2, 0), 2);
  assert.equal(shownStop(frames, 1, 0), 0);
  assert.equal(shownStop(frames, 1, undefined), undefined);
});

test("at rest the frames of all stops are asked for, then the exact one of the stop shown", () => {
  const betas = [0.1, 1, 10];
  assert.equal(wanted({ betas, frames: ["a"], exactly: [true] }, 0), "film");
  const frames = ["a", "b", "c"];
  assert.equal(wanted({ betas, frames, exactly: [false, true, false] }, 2), 2);
  assert.equal(wanted({ betas, frames, exactly: [false, true, false] }, 1), null);
});
