import assert from "node:assert/strict";
import { test } from "node:test";
import { replaceWithinPage } from "../../../ui/widgets/components/history.js";

// A history that notes its entries, as a browser keeps them.
function browser(first) {
  const place = { href: first };
  Object.defineProperty(place, "pathname", { get: () => new URL(place.href).pathname });
  const entries = [first];
  const go = address => {
    place.href = new URL(address, place.href).href;
    return place.href;
  };
  const history = {
    pushState: (_, __, address) => entries.push(go(address)),
    replaceState: (_, __, address) => entries.splice(-1, 1, go(address)),
  };
  return { history, place, entries };
}

test("a control of a page replaces the address, another page adds one", () => {
  const { history, place, entries } = browser("https://lab.example/vae/?lang=en");
  replaceWithinPage(history, place);
  replaceWithinPage(history, place); // each run of a page calls it again
  history.pushState({}, "", "/vae/?lang=en&beta=2");
  history.pushState({}, "", "/vae/?lang=en&beta=5");
  history.pushState({}, "", "/vae/map");
  history.pushState({}, "", "/vae/map?lang=en");
  assert.deepEqual(entries, [
    "https://lab.example/vae/?lang=en&beta=5",
    "https://lab.example/vae/map?lang=en",
  ]);
});
