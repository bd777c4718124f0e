// Carries the tiles and codes of one beta to the browser. It is an element of its own, so that
// Streamlit sends it once and afterwards only its hash: moving a pin resends nothing of it. The map
// fetches it from here by its id. Exported by name: what map_tiles.test.js tests.

const MOST_KEPT = 6;

// The numbers that Python packed in base64: a typed array of that kind.
export function unpacked(text, Kind) {
  return new Kind(Uint8Array.from(atob(text), character => character.charCodeAt(0)).buffer);
}

// How far the middle of a tile lies from the middle of the window, along a side of so many tiles.
export function offset(index, side, half) {
  return half * (((index + 0.5) / side) * 2 - 1);
}

// The opaque grey pixels (RGBA) of base + right * across + above * up, clipped to black and white:
// pixels is a Uint8ClampedArray.
export function paint(pixels, { base, across, up }, right, above) {
  base.forEach((value, pixel) => {
    pixels.fill(
      255 * (value + right * across[pixel] + above * up[pixel]),
      4 * pixel,
      4 * pixel + 3,
    );
    pixels[4 * pixel + 3] = 255;
  });
}

// The tiles of a plane of pixel space, rows from top to bottom.
function drawn({ side, tile: [height, width], window: { x, y, half }, ...packed }) {
  const pictures = {};
  for (const name of ["base", "across", "up"])
    pictures[name] = unpacked(packed[name], Float32Array);
  const sheet = Object.assign(document.createElement("canvas"), {
    width: side * width,
    height: side * height,
  });
  const context = sheet.getContext("2d");
  const image = context.createImageData(width, height);
  for (let row = 0; row < side; row += 1) {
    for (let column = 0; column < side; column += 1) {
      paint(image.data, pictures, x + offset(column, side, half), y - offset(row, side, half));
      context.putImageData(image, column * width, row * height);
    }
  }
  return sheet;
}

export default function ({ data }) {
  globalThis.vaeLabMapTiles ??= new Map();
  const kept = globalThis.vaeLabMapTiles;
  if (kept.has(data.id)) return;
  const sheet = data.plane ? drawn(data.plane) : Object.assign(new Image(), { src: data.sheet });
  kept.set(data.id, {
    sheet,
    means: unpacked(data.means, Float32Array),
    deviations: unpacked(data.deviations, Float32Array),
    labels: unpacked(data.labels, Uint8Array),
  });
  while (kept.size > MOST_KEPT) kept.delete(kept.keys().next().value);
  Promise.resolve(sheet.decode?.())
    .catch(() => {})
    .then(() => globalThis.dispatchEvent(new Event("vae-lab-map-tiles")));
}
