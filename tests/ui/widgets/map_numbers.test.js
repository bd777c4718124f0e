import assert from "node:assert/strict";
import { test } from "node:test";
import { shownAt } from "../../../ui/widgets/components/map_numbers.js";

const DATA = {
  films: { at: 1 },
  reconstruction: { alt: "exact" },
  says: { own: "own at 1", aggregate: "all at 1", outside: "" },
  later: "it follows",
};
const FILM = {
  pictures: ["picture 0", "picture 1"],
  numbers: [
    { alt: "alt 0", says: { own: "own at 0", aggregate: "all at 0", outside: "2 outside" } },
    { alt: "alt 1", says: { own: "own at 1", aggregate: "all at 1", outside: "" } },
  ],
};

test("at the stop of the server's answer that answer is shown", () => {
  const answer = { isAway: false, alt: "exact", says: DATA.says };
  assert.deepEqual(shownAt(DATA, 1, FILM), answer);
  assert.deepEqual(shownAt(DATA, 1, null), answer);
});

test("at another stop the film's picture and sentences are shown, once they are there", () => {
  assert.deepEqual(shownAt(DATA, 0, FILM), {
    isAway: true,
    picture: "picture 0",
    alt: "alt 0",
    says: { ...FILM.numbers[0].says, posterior: "" },
  });
  assert.equal(shownAt(DATA, 0, null), null);
  assert.equal(shownAt(DATA, 0, { numbers: FILM.numbers }), null); // not decoded yet
});

test("in place of the true posterior's numbers stands that they follow", () => {
  const data = { ...DATA, says: { ...DATA.says, posterior: "log p(x)", tiny: "too small" } };
  assert.equal(shownAt(data, 0, FILM).says.posterior, "it follows");
  assert.equal(shownAt(data, 0, FILM).says.tiny, undefined);
  assert.equal(shownAt(data, 1, FILM).says.posterior, "log p(x)");
});

test("where beta does not move the answer is shown at any stop of other pages", () => {
  assert.deepEqual(shownAt({ ...DATA, films: null }, 0, null).says, DATA.says);
});
