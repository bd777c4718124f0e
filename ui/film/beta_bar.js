// The slider of beta. While the hand moves it only tells the player; the server hears of it once,
// when the hand rests. Exported by name: what beta_bar.test.js tests.

const REST = 250; // ms after the last input
const HELD = 350; // ms more while the pointer is still down: it may go on
const VIEWS = new WeakMap();

// How far along the slider a stop lies, from 0 to 1.
export const share = (index, count) => (count > 1 ? index / (count - 1) : 0);

// A text with {names} filled in.
export const filled = (text, values) =>
  text.replace(/\{(\w+)\}/g, (all, name) => values[name] ?? all);

// What stands below the two ends of the slider, of "0.01 keeps detail … 50 collapses".
export function ends(text) {
  const [left, right, ...more] = text.split("…").map(part => part.trim());
  return right === undefined || more.length ? [text, ""] : [left, right];
}

// Whether what the server says is taken: at and betas, before: of the call before, sent: the
// stops that were sent and not yet answered. The answer to an older move comes late and is not.
export function accepted({ at, betas }, before, { moving, sent }) {
  if (!before || String(betas) !== String(before.betas)) return true;
  return at !== before.at && !moving && !sent.slice(0, -1).includes(at);
}

// Waits for the hand to rest: some time after the last input, longer while the pointer is down.
export class Rest {
  constructor(act) {
    this.act = act;
    this.waiting = null;
    this.isDown = this.isHeld = false;
  }

  get moving() {
    return this.isDown || this.waiting !== null;
  }

  input() {
    this.wait(REST, () => {
      if (!this.isDown) return this.end();
      this.wait(HELD, () => this.end());
      this.isHeld = true;
    });
  }

  down() {
    this.isDown = true;
  }

  up() {
    this.isDown = false;
    if (this.isHeld) this.end();
  }

  wait(pause, act) {
    this.isHeld = false;
    clearTimeout(this.waiting);
    this.waiting = setTimeout(act, pause);
  }

  end() {
    this.cancel();
    this.act();
  }

  cancel() {
    clearTimeout(this.waiting);
    this.waiting = null;
    this.isHeld = false;
  }
}

class BarView {
  constructor(root) {
    this.root = root.querySelector(".film-bar");
    this.input = this.root.querySelector("input");
    for (const name of ["name", "help", "explained", "phone-value", "slide", "bubble", "ends"])
      this[name] = this.root.querySelector(`.${name}`);
    this.rest = new Rest(() => this.sendNow());
    this.sent = [];
    this.input.addEventListener("input", () => this.slid());
    this.input.addEventListener("pointerdown", () => this.rest.down());
    this.input.addEventListener("change", () => this.rest.up());
    this.help.addEventListener("click", () => this.explain(this.explained.hidden));
    this.help.addEventListener("keydown", ({ key }) => {
      if (key === "Escape") this.explain(false);
    });
    // Where the pointer is let go is often beside the slider.
    this.up = () => this.rest.up();
    this.connect = () => this.connected();
    for (const end of ["pointerup", "pointercancel"]) globalThis.addEventListener(end, this.up);
    globalThis.addEventListener("vae-lab-film", this.connect);
  }

  remove() {
    this.rest.cancel();
    this.leave?.();
    for (const end of ["pointerup", "pointercancel"]) globalThis.removeEventListener(end, this.up);
    globalThis.removeEventListener("vae-lab-film", this.connect);
  }

  update(data, send) {
    const { before } = this;
    this.data = data;
    this.send = send;
    this.before = { at: data.at, betas: data.betas };
    const { moving } = this.rest;
    const taken = accepted(data, before, { moving, sent: this.sent });
    // The server has it, even where the hand has gone on: what differs from it is sent at rest.
    const late = this.sent.slice(0, -1).includes(data.at);
    if (taken || (data.at !== before.at && !late)) this.known = data.at;
    this.sent = late
      ? this.sent.slice(this.sent.indexOf(data.at) + 1)
      : this.unanswered(data, before);
    if (taken) this.rest.cancel();
    this.words();
    this.show(taken ? data.at : this.index);
    this.connected();
    if (taken) globalThis.vaeLabFilm?.move(data.scope, data.at);
  }

  unanswered(data, before) {
    return data.at === before?.at ? this.sent : [];
  }

  words() {
    const { words, betas } = this.data;
    const { input } = this;
    input.max = betas.length - 1;
    input.setAttribute("aria-label", words.beta);
    this.name.textContent = words.beta;
    this.help.hidden = !words.help;
    this.help.setAttribute("aria-label", words.help ?? "");
    this.explained.textContent = words.help ?? "";
    const texts = ends(words.ends ?? "");
    for (const [index, end] of [...this.ends.children].entries()) end.textContent = texts[index];
  }

  explain(open) {
    this.explained.hidden = !open;
    this.help.setAttribute("aria-expanded", String(open));
  }

  // Subscribes once the player is there, and again for another scope.
  connected() {
    const player = globalThis.vaeLabFilm;
    if (!player || !this.data) return;
    const { scope } = this.data;
    if (this.scope === scope) return;
    this.leave?.();
    this.scope = scope;
    this.leave = player.subscribe(scope, (index, { hand }) => this.moved(index, hand));
    player.move(scope, this.index);
  }

  // By the hand, here.
  slid() {
    this.show(Number(this.input.value));
    this.rest.input();
    globalThis.vaeLabFilm?.move(this.data.scope, this.index, { hand: true });
  }

  // By somebody else, such as a click on the plane.
  moved(index, hand) {
    if (index === this.index) return;
    this.show(index);
    if (hand) this.rest.input();
  }

  show(index) {
    const { betas, labels, words } = this.data;
    this.index = Math.min(betas.length - 1, Math.max(0, index));
    const label = labels[this.index];
    const count = betas.length;
    if (Number(this.input.value) !== this.index) this.input.value = this.index;
    const values = { beta: label, n: this.index + 1, count };
    this.input.setAttribute("aria-valuetext", filled(words.alt, values));
    this.root.style.setProperty("--share", share(this.index, count));
    this.bubble.textContent = label;
    this["phone-value"].textContent = `β = ${label}`;
  }

  sendNow() {
    if (this.index === this.known) return;
    this.known = this.index;
    this.sent.push(this.index);
    this.send("beta", this.data.betas[this.index]);
  }
}

// Called again when the data or the theme change.
export default function ({ data, parentElement, setStateValue }) {
  let view = VIEWS.get(parentElement);
  if (!view?.root.isConnected) {
    view?.remove();
    view = new BarView(parentElement);
    VIEWS.set(parentElement, view);
  }
  view.update(data, setStateValue);
  // Streamlit also calls this for a call that a newer one has overtaken.
  return () => {
    if (!view.root.isConnected) view.remove();
  };
}
