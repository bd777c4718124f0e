// Asks the server for what a film lacks, as long as the hand rests, and says that it is on its way.
// Exported by name: what awaited.test.js tests.

import { Follower, filled, follow } from "./follower.js";

const LOST = 20_000; // ms: an answer that a newer run has ended may not come

// How many stops the last page has, which takes longest, and whether all pages have all of them.
export function progress(pages, count) {
  const known = pages.map(page => page?.known.length ?? 0);
  return { known: known.at(-1), isWhole: known.every(stops => stops >= count) };
}

class AwaitedView extends Follower {
  remove() {
    super.remove();
    clearTimeout(this.again);
  }

  changed() {
    this.asked = false;
    clearTimeout(this.again);
    const { count, words } = this.data;
    const { known, isWhole } = progress(this.pages, count);
    this.isWhole = isWhole;
    // Nothing before the first are there, and nothing where only the film is missing.
    const isWaiting = known > 0 && known < count;
    this.root.textContent = isWaiting ? filled(words.waiting, { known, count }) : "";
  }

  rest() {
    if (this.isWhole || this.asked || !this.data) return;
    this.asked = true;
    this.send("wanted", this.index);
    clearTimeout(this.again);
    this.again = setTimeout(() => {
      this.asked = false;
      if (!this.moving) this.rest();
    }, LOST);
  }
}

export default follow(AwaitedView, ".film-awaited");
