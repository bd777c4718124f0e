// What the views of a page's film have in common: they follow the stop of beta in their scope, and
// show what has been carried of each stop. The server puts this file into theirs, since a component
// has one script. Exported by name: what follower.test.js tests.

const VIEWS = new WeakMap();

// The first of the pages that has this stop; part: takes a page's part that is shown. Pages are in
// the order of preference: the exact answer at rest, then the film.
export function partAt(pages, part, stop) {
  for (const page of pages) {
    const found = page && part(page);
    if (found && (found.stops[stop] ?? null) !== null) return found;
  }
  return null;
}

// A text with {names} filled in.
export const filled = (text, values) =>
  text.replace(/\{(\w+)\}/g, (all, name) => values[name] ?? all);

export class Follower {
  constructor(root) {
    this.root = root;
    this.pages = [];
    this.carried = () => {
      this.take();
      this.connect();
    };
    globalThis.addEventListener("vae-lab-film", this.carried);
  }

  remove() {
    this.leave?.();
    this.resized?.disconnect();
    globalThis.removeEventListener("vae-lab-film", this.carried);
  }

  update(data, send) {
    const before = this.data?.pages ?? [];
    this.data = data;
    this.send = send;
    // What is no longer named stays until the next is there, but for another film it is not this.
    const held = new Map(before.map((id, number) => [id, this.pages[number]]));
    this.pages = data.pages.map(id => held.get(id));
    this.isNew = true;
    this.carried();
  }

  get player() {
    return globalThis.vaeLabFilm;
  }

  get index() {
    return this.player?.index(this.data?.scope) ?? this.data?.at;
  }

  connect() {
    if (!this.player || !this.data || this.scope === this.data.scope) return;
    this.leave?.();
    this.scope = this.data.scope;
    this.leave = this.player.subscribe(
      this.scope,
      (_, { hand }) => {
        this.moving ||= hand;
        this.draw({ hand });
      },
      () => {
        this.moving = false;
        this.rest();
      },
    );
  }

  // The pages that have come, which the player may forget later.
  take() {
    if (!this.player || !this.data) return;
    const pages = this.data.pages.map((id, number) => this.player.page(id) ?? this.pages[number]);
    if (!this.isNew && pages.every((page, number) => page === this.pages[number])) return;
    this.pages = pages;
    this.isNew = false;
    this.changed();
    this.draw({ hand: false });
    if (!this.moving) this.rest();
  }

  // What a view makes once of its data and pages, shows at a stop, and says at rest.
  changed() {}
  draw() {}
  rest() {}
}

// The function that Streamlit calls again when the data or the theme change.
export const follow =
  (View, name) =>
  ({ data, parentElement, setTriggerValue }) => {
    let view = VIEWS.get(parentElement);
    if (!view?.root.isConnected) {
      view?.remove();
      view = new View(parentElement.querySelector(name));
      VIEWS.set(parentElement, view);
    }
    view.update(data, setTriggerValue);
    return () => {
      if (!view.root.isConnected) view.remove();
    };
  };
