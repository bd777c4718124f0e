import assert from "node:assert/strict";
import { test } from "node:test";
import { run, script } from "./scripts.js";

test("the browser's language is that of the link", () => {
  class Navigator {
    get language() {
      return "en-GB";
    }
  }
  const navigator = new Navigator();
  run(script("page_language", { language: { value: "ko" } }), { navigator });
  assert.equal(navigator.language, "ko");
});
