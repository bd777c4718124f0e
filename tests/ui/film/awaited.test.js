import assert from "node:assert/strict";
import { test } from "node:test";
import { progress } from "../../../ui/film/awaited.js";

test("a film is whole when each of its pages has every stop", () => {
  const [whole, part] = [{ known: [0, 1, 2] }, { known: [1] }];
  assert.deepEqual(progress([whole, whole], 3), { known: 3, isWhole: true });
  assert.deepEqual(progress([whole, part], 3), { known: 1, isWhole: false });
  assert.deepEqual(progress([part, whole], 3), { known: 3, isWhole: false });
  assert.deepEqual(progress([whole, undefined], 3), { known: 0, isWhole: false });
});
