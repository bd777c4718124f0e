import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeElement } from "../elements.js";
import { run, script } from "./scripts.js";

// A page with a group of three radio buttons. `press` returns the event of a key.
function opened() {
  const document = new FakeElement("document");
  run(script("arrow_keys"), { document });
  const done = [];
  const group = [0, 1, 2].map(place => ({
    type: "radio",
    closest: () => ({ querySelectorAll: () => group }),
    focus: () => done.push(`focus ${place}`),
    click: () => done.push(`click ${place}`),
  }));
  // A browser's own event has a target already, which is the document here.
  const press = (key, target) => {
    const event = new Event("keydown", { cancelable: true });
    Object.defineProperties(event, { key: { value: key }, target: { value: target } });
    document.dispatchEvent(event);
    return event;
  };
  return { group, done, press };
}

test("an arrow chooses the neighbour, and the first follows the last", () => {
  for (const [key, from, to] of [
    ["ArrowRight", 0, 1],
    ["ArrowDown", 1, 2],
    ["ArrowDown", 2, 0],
    ["ArrowLeft", 2, 1],
    ["ArrowUp", 1, 0],
    ["ArrowUp", 0, 2],
  ]) {
    const { group, done, press } = opened();
    assert.ok(press(key, group[from]).defaultPrevented, key);
    assert.deepEqual(done, [`focus ${to}`, `click ${to}`], `${key} from ${from}`);
  }
});

test("other keys and other fields are left alone", () => {
  const { group, done, press } = opened();
  assert.ok(!press("Tab", group[0]).defaultPrevented);
  assert.ok(!press("ArrowRight", { type: "number" }).defaultPrevented);
  assert.deepEqual(done, []);
});
