// Carries films and galleries to the browser, and holds the player that tells the views of a scope
// which stop of beta is under the hand. An element of its own, so that a film is sent once. Exported
// by name: what film.test.js tests.

const MOST_KEPT = 4; // films, and as many galleries: a few megabytes each
const MOST_PAGES = 12; // a page has several, each below a megabyte
const MOST_BYTES = 80e6; // of galleries once they are decoded: one of 64 faces has 50 MB
const REST = 150; // ms without a move: then texts follow, which a screen reader would read out
const GAP = 2; // pixels between the tiles of a gallery
const GAP_GREY = 128;

// What Python packed: the length of the header, the header in JSON and deflated, and from the next
// multiple of four on the bytes that it refers to. bytes: a Uint8Array.
export async function opened(bytes) {
  const { buffer, byteOffset } = bytes;
  const length = new DataView(buffer, byteOffset, 4).getUint32(0, true);
  const deflated = new Blob([new Uint8Array(buffer, byteOffset + 4, length)]).stream();
  const header = await new Response(
    deflated.pipeThrough(new DecompressionStream("deflate")),
  ).text();
  const start = byteOffset + 4 * Math.ceil((4 + length) / 4);
  return JSON.parse(header, (_, value) =>
    value && Number.isInteger(value.offset) && Number.isInteger(value.length)
      ? new Uint8Array(buffer, start + value.offset, value.length)
      : value,
  );
}

// Numbers as Python packed them, float32 and little endian. They may begin at any byte of the
// message, so they are copied.
export const numbersOf = bytes => new Float32Array(bytes.slice().buffer);

// Where a sheet holds its frame of this number: how many frames down, and in which of its colour
// channels; null: in all of them.
export const place = (packing, number) =>
  packing === "rgb"
    ? { down: Math.floor(number / 3), channel: number % 3 }
    : { down: number, channel: null };

// The size of a gallery's frame with the gaps between its tiles, and the number of its rows.
export function framing({ height, width, columns, count }) {
  const across = Math.min(columns, count);
  const rows = Math.ceil(count / columns);
  return {
    rows,
    width: across * width + (across - 1) * GAP,
    height: rows * height + (rows - 1) * GAP,
  };
}

// The opaque pixels (RGBA) of one frame of a sheet, its tiles moved apart. sheet: data and width,
// its tiles without gaps.
export function framed(sheet, { down, channel }, gallery) {
  const { height, width, columns, count } = gallery;
  const { rows, ...size } = framing(gallery);
  const pixels = new Uint8ClampedArray(4 * size.width * size.height).fill(GAP_GREY);
  for (let alpha = 3; alpha < pixels.length; alpha += 4) pixels[alpha] = 255;
  for (let y = 0; y < rows * height; y += 1) {
    const row = Math.floor(y / height);
    const tiles = Math.min(columns, count - row * columns);
    for (let tile = 0; tile < tiles; tile += 1) {
      const from = 4 * ((down * rows * height + y) * sheet.width + tile * width);
      const to = 4 * ((y + row * GAP) * size.width + tile * (width + GAP));
      copied(sheet.data, from, pixels, to, width, channel);
    }
  }
  return pixels;
}

function copied(source, from, pixels, to, width, channel) {
  if (channel === null) {
    pixels.set(source.subarray(from, from + 4 * width), to);
    return;
  }
  for (let at = 0; at < 4 * width; at += 4)
    pixels.fill(source[from + at + channel], to + at, to + at + 3);
}

// The sheets of a gallery, first the one that holds this stop, then its neighbours.
export function nearestFirst(sheets, index = 0) {
  const away = ({ first, count }) => Math.max(first - index, index - (first + count - 1), 0);
  return [...sheets].sort((one, other) => away(one) - away(other));
}

// Which stop of beta each scope shows. A move tells the scope's subscribers in the next animation
// frame, once however many moves came in between: the newest wins.
export class Player {
  films = new Map();
  galleries = new Map();
  pages = new Map();
  scopes = new Map();
  newest = 0; // the stop of the last move in any scope

  // Undefined until it has been carried and decoded.
  film(id) {
    return this.films.get(id) ?? undefined;
  }

  gallery(id) {
    return this.galleries.get(id);
  }

  // What one page's views show at each stop, as Python packed it: bytes are Uint8Arrays, of which
  // a view makes numbers or pictures once.
  page(id) {
    return this.pages.get(id);
  }

  numbers(bytes) {
    return numbersOf(bytes);
  }

  // A promise of so many pictures that lie below one another in a picture file.
  pictures(bytes, width, height, count) {
    return strip(bytes, width, height, count);
  }

  // Undefined until somebody has moved.
  index(scope) {
    return this.scopes.get(scope)?.index;
  }

  scope(name) {
    if (!this.scopes.has(name)) this.scopes.set(name, { subscribers: new Set(), hand: false });
    return this.scopes.get(name);
  }

  // hand: a person did it, and the server is to hear of it at rest.
  move(name, index, { hand = false } = {}) {
    const scope = this.scope(name);
    if (scope.index === index) return;
    scope.index = this.newest = index;
    scope.hand ||= hand;
    scope.frame ??= requestAnimationFrame(() => this.tell(scope));
  }

  // onFrame(index, { hand }) for each frame that shows another stop, onRest(index) when the moves
  // rest.
  subscribe(name, onFrame, onRest = () => {}) {
    const { subscribers } = this.scope(name);
    const subscriber = { onFrame, onRest };
    subscribers.add(subscriber);
    return () => subscribers.delete(subscriber);
  }

  tell(scope) {
    const { hand, index } = scope;
    scope.frame = null;
    scope.hand = false;
    called(scope, ({ onFrame }) => onFrame(index, { hand }));
    clearTimeout(scope.rest);
    scope.rest = setTimeout(() => called(scope, ({ onRest }) => onRest(scope.index)), REST);
  }
}

// A view that fails doesn't stop the others.
function called(scope, call) {
  for (const subscriber of [...scope.subscribers]) {
    try {
      call(subscriber);
    } catch (error) {
      console.error(error);
    }
  }
}

// Bytes of the pixels of a gallery's frames, once all are decoded; of anything else none.
const decodedBytes = value =>
  value?.frames ? 4 * value.width * value.height * value.betas.length : 0;

// What is set or used again becomes the newest, which stays; the oldest go.
export function keep(kept, id, value, most = MOST_KEPT) {
  kept.delete(id);
  kept.set(id, value);
  const bytes = () => [...kept.values()].reduce((sum, one) => sum + decodedBytes(one), 0);
  while (kept.size > most || (kept.size > 1 && bytes() > MOST_BYTES)) {
    const [oldest, evicted] = kept.entries().next().value;
    if (evicted?.observed) URL.revokeObjectURL(evicted.observed);
    kept.delete(oldest);
  }
}

async function pixelsOf(bytes) {
  const image = await createImageBitmap(new Blob([bytes]));
  const { width, height } = image;
  const canvas = Object.assign(document.createElement("canvas"), { width, height });
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(image, 0, 0);
  return context.getImageData(0, 0, width, height);
}

// Pictures that lie below one another.
async function strip(source, width, height, count) {
  const { data } = await pixelsOf(source);
  const size = 4 * width * height;
  return Array.from(
    { length: count },
    (_, index) => new ImageData(data.slice(index * size, (index + 1) * size), width, height),
  );
}

const told = () => globalThis.dispatchEvent(new Event("vae-lab-film"));

async function carryFilm({ films }, data) {
  const held = films.get(data.id);
  if (held !== undefined) return keep(films, data.id, held);
  keep(films, data.id, null); // on its way
  try {
    const { width, height, betas, code } = data;
    const [reconstructions, differences] = await Promise.all(
      [data.reconstructions, data.differences].map(source =>
        strip(source, width, height, betas.length),
      ),
    );
    const numbers = {};
    for (const name of ["mean", "deviation", "z", "rate"]) numbers[name] = numbersOf(code[name]);
    if (!films.has(data.id)) return; // newer ones have pushed it out
    const observed = URL.createObjectURL(new Blob([data.observed], { type: "image/png" }));
    films.set(data.id, {
      ...data,
      observed,
      reconstructions,
      differences,
      code: { ...code, ...numbers },
    });
  } catch (error) {
    films.delete(data.id);
    throw error;
  }
  told();
}

// A gallery may come in parts, and again in a better quality: what is there stays until then.
async function carryGallery(player, data) {
  const held = player.gallery(data.id) ?? { frames: [], exactly: [] };
  const gallery = Object.assign(held, { ...data, ...framing(data), frames: held.frames });
  keep(player.galleries, data.id, gallery);
  for (const sheet of nearestFirst(data.frames, player.newest)) {
    const stops = Array.from({ length: sheet.count }, (_, number) => sheet.first + number);
    if (stops.every(stop => gallery.exactly[stop] !== undefined && !better(gallery, stop, data)))
      continue;
    for (const stop of stops) gallery.exactly[stop] = data.exact;
    const pixels = await pixelsOf(sheet.source);
    for (const [number, stop] of stops.entries()) {
      if (gallery.exactly[stop] && !data.exact) continue; // the exact one came meanwhile
      const frame = framed(pixels, place(sheet.packing, number), data);
      gallery.frames[stop] = new ImageData(frame, gallery.width, gallery.height);
    }
    told();
  }
}

const better = ({ exactly }, stop, { exact }) => exact && !exactly[stop];

async function carryContent(player, data) {
  const { id, film, gallery, page } = await opened(data);
  if (film) await carryFilm(player, { id, ...film });
  if (gallery) await carryGallery(player, { id, ...gallery });
  if (page) {
    keep(player.pages, id, page, MOST_PAGES);
    told();
  }
}

export default function ({ data }) {
  if (!globalThis.vaeLabFilm) {
    globalThis.vaeLabFilm = new Player();
    told(); // views that were there before can subscribe
  }
  const player = globalThis.vaeLabFilm;
  if (!data) return;
  carryContent(player, data).catch(console.error);
}
