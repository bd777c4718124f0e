// A row of pictures whose frame follows beta, with a number below each. Exported by name: what
// strip.test.js tests.

import { Follower, follow, partAt } from "./follower.js";

const GAP = 2; // pixels of a picture between the tiles
const LONG = 5; // tiles: more are too small on a phone
// ui/view/pictures.py draws differences in the same colours.
const LOST = [60, 150, 225];
const ADDED = [235, 120, 40];
const NEUTRAL = [24, 24, 27];
const SAME = 127; // the value of no difference
const DECODED = new WeakMap();

// The width of a row of tiles with the gaps between them.
export const rowWidth = ({ tiles, width }) => tiles * (width + GAP) - GAP;

// The colour of a signed difference, 0 to 254: blue for lost light, orange for gained.
export function differenceColour(value) {
  const amount = Math.min(1, Math.abs(value - SAME) / SAME);
  const colour = value < SAME ? LOST : ADDED;
  return NEUTRAL.map((grey, channel) => Math.round(grey + amount * (colour[channel] - grey)));
}

const COLOURS = Array.from({ length: 256 }, (_, value) => differenceColour(value));

// The opaque pixels (RGBA) of one frame: three grey ones lie in the channels of one sheet.
export function frameOf(sheets, number, { packing }) {
  if (packing === "plain") return sheets[number].data; // in colour: one to a sheet
  const { data } = sheets[Math.floor(number / 3)];
  const pixels = new Uint8ClampedArray(data.length);
  for (let at = 0; at < data.length; at += 4) {
    const value = data[at + (number % 3)];
    if (packing === "signed") pixels.set(COLOURS[value], at);
    else pixels.fill(value, at, at + 3);
    pixels[at + 3] = 255;
  }
  return pixels;
}

class StripView extends Follower {
  constructor(root) {
    super(root);
    this.canvas = root.querySelector("canvas");
    this.ruler = root.querySelector(".ruler");
    // In the processor's memory: a frame is copied into it, pixel by pixel.
    this.context = this.canvas.getContext("2d", { willReadFrequently: true });
  }

  part = page => page.strips?.[this.data.strip];

  // Decodes what has come; until then what was drawn stays.
  changed() {
    for (const page of this.pages) {
      const strip = page && this.part(page);
      if (!strip || DECODED.has(strip)) continue;
      DECODED.set(strip, null);
      const { tiles, width, height, sheets, source } = strip;
      this.player
        .pictures(source, tiles * width, height, sheets)
        .then(pictures => {
          DECODED.set(strip, pictures);
          this.draw();
          if (!this.moving) this.rest();
        })
        .catch(console.error);
    }
  }

  draw() {
    const { index } = this;
    const decoded = page => {
      const strip = this.part(page);
      return strip && DECODED.get(strip) ? strip : null;
    };
    const strip = partAt(this.pages, decoded, index);
    this.root.classList.toggle("dimmed", !strip);
    this.root.setAttribute("aria-busy", String(!strip));
    if (!strip || (strip === this.strip && index === this.shown)) return;
    const number = strip.stops[index];
    const { tiles, width, height, numbers } = strip;
    if (strip !== this.strip || number !== this.number) {
      const across = rowWidth(strip);
      if (this.canvas.width !== across || this.canvas.height !== height)
        this.resize(across, height, tiles);
      const pixels = frameOf(DECODED.get(strip), number, strip);
      const frame = new ImageData(pixels, tiles * width, height);
      for (let tile = 0; tile < tiles; tile += 1)
        this.context.putImageData(frame, tile * GAP, 0, tile * width, 0, width, height);
    }
    this.count(numbers[index] ?? []);
    Object.assign(this, { strip, number, shown: index });
  }

  resize(width, height, tiles) {
    Object.assign(this.canvas, { width, height });
    this.context.fillStyle = "rgb(128 128 128)";
    this.context.fillRect(0, 0, width, height);
    this.root.style.setProperty("--shape", `${width} / ${height}`);
    this.root.classList.toggle("long", tiles > LONG);
  }

  count(numbers) {
    while (this.ruler.children.length > numbers.length) this.ruler.lastChild.remove();
    while (this.ruler.children.length < numbers.length)
      this.ruler.append(document.createElement("span"));
    for (const [place, number] of numbers.entries())
      this.ruler.children[place].textContent = number;
  }

  // Its alternative text: a screen reader would read each one that the hand passes by.
  rest() {
    if (this.strip) this.canvas.setAttribute("aria-label", this.strip.alts[this.shown]);
  }
}

export default follow(StripView, ".film-strip");
