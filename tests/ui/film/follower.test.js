import assert from "node:assert/strict";
import { test } from "node:test";
import { filled, partAt } from "../../../ui/film/follower.js";

const part = page => page.strip;

test("the exact answer at rest is preferred to the film where it has the stop", () => {
  const now = { strip: { stops: [null, 0, null] } };
  const film = { strip: { stops: [0, 1, 2] } };
  assert.equal(partAt([now, film], part, 1), now.strip);
  assert.equal(partAt([now, film], part, 2), film.strip);
});

test("nothing is found in pages that have not come, lack the part or the stop", () => {
  assert.equal(partAt([undefined, {}, { strip: { stops: [0, null] } }], part, 1), null);
  assert.equal(partAt([{ strip: { stops: [0] } }], part, 7), null);
});

test("a text's names are filled in and unknown ones stay", () => {
  assert.equal(filled("{known} of {count} {x}", { known: 0, count: 48 }), "0 of 48 {x}");
});
