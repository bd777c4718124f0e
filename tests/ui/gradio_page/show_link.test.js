import assert from "node:assert/strict";
import { test } from "node:test";
import { element, stopClock } from "../elements.js";
import { run, script } from "./scripts.js";

// Runs the script on a page with this link, with or without a slider. Returns what it did.
function shown(search, slider) {
  const parts = { ".languages a[aria-current]": { search }, "#beta input[type=range]": slider };
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

test("the slider tells its beta, and not the number of its stop", () => {
  const forward = stopClock();
  const slider = element("input");
  shown("?model=mnist&beta=0.01&seed=3", slider);
  forward(1000);
  assert.deepEqual(slider.attributes, { "aria-valuetext": "0.01" });
});
