// Sentences whose words and numbers follow beta. They are spoken once, when the hand rests.
// Exported by name: what sentences.test.js tests.

import { Follower, follow, partAt } from "./follower.js";

const QUIET = 1500; // ms after which what was spoken is gone: it stands on the page already

// What each sentence says at a stop; null: it isn't known yet.
export const saidAt = (pages, names, stop) =>
  names.map(name => {
    const found = partAt(pages, page => page.says?.[name] && { stops: page.says[name] }, stop);
    return found ? found.stops[stop] : null;
  });

class SentencesView extends Follower {
  constructor(root) {
    super(root);
    this.says = root.querySelector(".says");
    this.spoken = root.querySelector(".spoken");
  }

  remove() {
    super.remove();
    clearTimeout(this.quiet);
  }

  changed() {
    const { names, look } = this.data;
    this.root.classList.toggle("caption", look === "caption");
    while (this.says.children.length > names.length) this.says.lastChild.remove();
    while (this.says.children.length < names.length) this.says.append(document.createElement("p"));
  }

  draw({ hand }) {
    this.moved ||= hand;
    const said = saidAt(this.pages, this.data.names, this.index);
    for (const [number, html] of said.entries()) {
      const place = this.says.children[number];
      place.classList.toggle("dimmed", html === null);
      if (html === null || place.said === html) continue;
      place.said = html;
      place.innerHTML = html; // ours: ui/view/markup.py escapes all that isn't
    }
  }

  // What a person's move has changed, once all of it is known; captions are silent, as there may be
  // several at once.
  rest() {
    const places = [...this.says.children];
    if (places.some(place => place.classList.contains("dimmed"))) return;
    const said = places.map(place => place.textContent).join(" ");
    const isNews = this.moved && said !== this.said && this.data.look !== "caption";
    this.said = said;
    this.moved = false;
    if (!isNews) return;
    this.spoken.textContent = said;
    clearTimeout(this.quiet);
    this.quiet = setTimeout(() => this.spoken.replaceChildren(), QUIET);
  }
}

export default follow(SentencesView, ".film-sentences");
