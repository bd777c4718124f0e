import assert from "node:assert/strict";
import { test } from "node:test";
import { saidAt } from "../../../ui/film/sentences.js";

test("each sentence is the one of its stop, and an empty one is said", () => {
  const pages = [undefined, { says: { rate: ["a", "b"], note: ["", "c"] } }];
  assert.deepEqual(saidAt(pages, ["rate", "note"], 0), ["a", ""]);
  assert.deepEqual(saidAt(pages, ["note", "rate"], 1), ["c", "b"]);
});

test("a sentence that is not known yet is null", () => {
  const pages = [{ says: { rate: [null, "now"] } }, { says: { rate: ["film", null] } }];
  assert.deepEqual(saidAt(pages, ["rate"], 0), ["film"]);
  assert.deepEqual(saidAt(pages, ["rate", "holes"], 1), ["now", null]);
  assert.deepEqual(saidAt(pages, ["rate"], 2), [null]);
});
