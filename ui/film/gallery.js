// The gallery of samples from the prior: the frame of the stop under the hand. Exported by name:
// what gallery.test.js tests.

const LEAST_SIDE = 448; // pixels of a saved picture: it can be looked at as it is
const VIEWS = new WeakMap();

// The least whole factor that makes the shorter side of a picture long enough to be saved.
export const enlargement = (width, height) =>
  Math.max(1, Math.ceil(LEAST_SIDE / Math.min(width, height)));

// The stop that is shown: the one under the hand, or the last one while that isn't there yet.
export const shownStop = (frames, index, last) => (frames[index] ? index : last);

// What the server is asked for at rest: the frames of all stops, then the exact frame of this one.
// null: nothing is missing.
export function wanted({ frames, exactly, betas }, index) {
  if (betas.some((_, stop) => !frames[stop])) return "film";
  return exactly[index] ? null : index;
}

class GalleryView {
  constructor(root) {
    this.root = root.querySelector(".film-gallery");
    for (const name of ["waiting", "download"]) this[name] = this.root.querySelector(`.${name}`);
    this.canvas = this.root.querySelector("canvas");
    // In the processor's memory: a frame is copied into it, pixel by pixel.
    this.context = this.canvas.getContext("2d", { willReadFrequently: true });
    this.download.addEventListener("click", () => this.save());
    this.carried = () => {
      this.connect();
      this.draw();
      this.rest();
    };
    globalThis.addEventListener("vae-lab-film", this.carried);
  }

  remove() {
    this.leave?.();
    globalThis.removeEventListener("vae-lab-film", this.carried);
  }

  update(data, ask) {
    this.data = data;
    this.ask = ask;
    this.download.querySelector("span").textContent = data.words.download;
    this.carried();
  }

  connect() {
    const player = globalThis.vaeLabFilm;
    if (!player || !this.data || this.scope === this.data.scope) return;
    this.leave?.();
    this.scope = this.data.scope;
    this.leave = player.subscribe(
      this.scope,
      () => this.moved(),
      () => this.rest(),
    );
  }

  get index() {
    return globalThis.vaeLabFilm?.index(this.data?.scope) ?? this.data?.at;
  }

  draw() {
    const gallery = globalThis.vaeLabFilm?.gallery(this.data?.gallery);
    const { index } = this;
    const last = gallery === this.gallery ? this.stop : undefined;
    const stop = gallery && shownStop(gallery.frames, index, last);
    // Another gallery of which nothing is there yet: what was drawn stays, dimmed.
    this.dim(stop === undefined || stop !== index);
    if (stop === undefined) return;
    const frame = gallery.frames[stop];
    if (frame === this.frame) return;
    const { canvas } = this;
    if (canvas.width !== frame.width || canvas.height !== frame.height) {
      canvas.width = frame.width;
      canvas.height = frame.height;
      this.root.style.setProperty("--shape", `${frame.width} / ${frame.height}`);
    }
    this.context.putImageData(frame, 0, 0);
    Object.assign(this, { gallery, stop, frame });
  }

  dim(on) {
    if (on === this.dimmed) return;
    this.dimmed = on;
    this.root.classList.toggle("dimmed", on);
  }

  // An answer may have been lost with a run that another one ended: each move may ask again.
  moved() {
    this.request = null;
    this.draw();
  }

  rest() {
    this.describe();
    const gallery = globalThis.vaeLabFilm?.gallery(this.data?.gallery);
    const missing = gallery ? wanted(gallery, this.index) : null;
    this.root.setAttribute("aria-busy", String(!gallery || missing !== null));
    const request = `${this.data?.gallery} ${missing}`;
    if (missing === null || request === this.request) return;
    this.request = request; // once: the answer takes a moment
    this.ask("wanted", missing);
  }

  describe() {
    this.waiting.textContent = this.dimmed ? (this.data?.words.waiting ?? "") : "";
    this.download.disabled = this.dimmed || !this.gallery?.exactly[this.stop];
    if (this.frame) this.canvas.setAttribute("aria-label", this.gallery.alts[this.stop] ?? "");
  }

  save() {
    if (!this.frame) return;
    const { width, height } = this.frame;
    const factor = enlargement(width, height);
    const canvas = Object.assign(document.createElement("canvas"), {
      width: width * factor,
      height: height * factor,
    });
    const context = canvas.getContext("2d");
    context.imageSmoothingEnabled = false;
    context.drawImage(this.canvas, 0, 0, canvas.width, canvas.height);
    const name = this.gallery.file_names[this.stop];
    canvas.toBlob(blob => {
      const link = document.createElement("a");
      link.href = URL.createObjectURL(blob);
      link.download = name;
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 10_000); // the browser has read it by then
    }, "image/png");
  }
}

// Called again when the data or the theme change.
export default function ({ data, parentElement, setTriggerValue }) {
  let view = VIEWS.get(parentElement);
  if (!view?.root.isConnected) {
    view?.remove();
    view = new GalleryView(parentElement);
    VIEWS.set(parentElement, view);
  }
  view.update(data, setTriggerValue);
  return () => {
    if (!view.root.isConnected) view.remove();
  };
}
