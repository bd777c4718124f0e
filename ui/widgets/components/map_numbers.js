// What stands beside the map: the picture, its reconstruction and numbers, at the stop of beta under
// the hand; at rest the server's answer. Exported by name: what map_numbers.test.js tests.

const TEXTS = ["own", "posterior", "tiny", "aggregate", "outside"];
const QUIET = 1500; // ms after which what was spoken is gone
const VIEWS = new WeakMap();

// What is shown at a stop: the server's answer where it is of this stop, else the film's frame. The
// true posterior is known of the server's beta alone: where it is asked for, a sentence says that it
// follows. null: neither is there yet.
export function shownAt(data, index, film) {
  if (!data.films || index === data.films.at) {
    const { alt } = data.reconstruction;
    return { isAway: false, alt, says: data.says };
  }
  if (!film?.pictures) return null;
  const { alt, says } = film.numbers[index];
  const posterior = data.says.posterior ? data.later : "";
  return { isAway: true, picture: film.pictures[index], alt, says: { ...says, posterior } };
}

class NumbersView {
  constructor(root) {
    this.root = root.querySelector(".map-numbers");
    for (const name of ["seen", "reconstruction", ...TEXTS])
      this[name] = this.root.querySelector(`.${name}`);
    this.spoken = root.querySelector(".spoken");
    this.canvas = this.reconstruction.querySelector("canvas");
    this.carried = () => {
      this.connect();
      this.open();
    };
    globalThis.addEventListener("vae-lab-film", this.carried);
  }

  remove() {
    this.leave?.();
    clearTimeout(this.quiet);
    globalThis.removeEventListener("vae-lab-film", this.carried);
  }

  update(data) {
    this.data = data;
    for (const name of ["seen", "reconstruction"]) {
      const { name: caption, picture, alt } = data[name];
      this[name].querySelector("figcaption").textContent = caption;
      Object.assign(this[name].querySelector("img"), { src: picture, alt });
    }
    this.carried();
    this.draw();
    this.describe();
  }

  connect() {
    const player = globalThis.vaeLabFilm;
    const scope = this.data?.films?.scope;
    if (!player || this.scope === scope) return;
    this.leave?.();
    this.scope = scope;
    this.leave =
      scope &&
      player.subscribe(
        scope,
        (_, { hand }) => {
          this.moved ||= hand;
          this.draw();
        },
        () => this.describe(),
      );
  }

  // Opens the film that the server named once it has been carried.
  open() {
    const player = globalThis.vaeLabFilm;
    const id = this.data?.films?.picture;
    const page = id && player?.page(id);
    const isHeld = this.film?.id === id;
    this.root.setAttribute("aria-busy", String(Boolean(id) && !(isHeld && this.film.pictures)));
    if (!page || isHeld) return;
    const film = { id, numbers: page.numbers };
    this.film = film;
    player
      .pictures(page.pictures, page.width, page.height, page.numbers.length)
      .then(pictures => {
        film.pictures = pictures;
        if (this.film !== film) return;
        this.root.setAttribute("aria-busy", "false");
        this.draw();
        this.describe();
      })
      .catch(console.error);
  }

  get shown() {
    const { data, film } = this;
    const index = globalThis.vaeLabFilm?.index(this.scope) ?? data.films?.at;
    return shownAt(data, index, film?.id === data.films?.picture ? film : null);
  }

  draw() {
    const { shown } = this;
    this.root.classList.toggle("waiting", !shown);
    if (!shown) return;
    const { isAway, picture, says } = shown;
    this.reconstruction.classList.toggle("away", isAway);
    if (isAway) {
      this.canvas.width = picture.width;
      this.canvas.height = picture.height;
      this.canvas.getContext("2d").putImageData(picture, 0, 0);
    }
    for (const name of TEXTS) {
      const html = says[name] ?? "";
      if (this[name].said === html) continue;
      this[name].said = html;
      this[name].innerHTML = html;
    }
  }

  describe() {
    const { shown } = this;
    if (!shown) return;
    this.canvas.setAttribute("aria-label", shown.alt);
    if (!this.moved) return;
    // What a person's move has changed is spoken once; it stands on the page already.
    this.moved = false;
    this.spoken.textContent = this.own.textContent;
    clearTimeout(this.quiet);
    this.quiet = setTimeout(() => this.spoken.replaceChildren(), QUIET);
  }
}

// Called again when the data or the theme change.
export default function ({ data, parentElement }) {
  let view = VIEWS.get(parentElement);
  if (!view?.root.isConnected) {
    view?.remove();
    view = new NumbersView(parentElement);
    VIEWS.set(parentElement, view);
  }
  view.update(data);
  return () => {
    if (!view.root.isConnected) view.remove();
  };
}
