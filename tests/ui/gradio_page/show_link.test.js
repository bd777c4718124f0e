import assert from "node:assert/strict";
import { test } from "node:test";
import { stopClock } from "../elements.js";
import { run, script } from "./scripts.js";

// Runs the script on a page with this link. Returns what it did.
function shown(search) {
  const parts = { ".languages a[aria-current]": { search } };
  const addresses = [];
  run(script("show_link"), {
    document: { querySelector: selector => parts[selector] ?? null },
    history: { replaceState: (...state) => addresses.push(state) },
    location: { hash: "#loss" },
  });
  return addresses;
}

test("the address bar holds the view's link and keeps its fragment", () => {
  const forward = stopClock();
  const addresses = shown("?model=mnist&beta=1");
  assert.deepEqual(addresses, []); // the answer is not on the page yet
  forward(1000);
  assert.deepEqual(addresses, [[null, "", "?model=mnist&beta=1#loss"]]);
});
