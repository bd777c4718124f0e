// Carries the tiles and codes of one beta to the browser. It is an element of its own, so that Streamlit sends it once and
// afterwards only its hash: moving a pin resends nothing of it. The map fetches it from here by its id.

const MOST_KEPT = 6;

const bytes = text => Uint8Array.from(atob(text), character => character.charCodeAt(0)).buffer;

// The tiles of a plane of pixel space, rows from top to bottom: a picture and so much of two others, clipped to black and white.
function drawn({ side, tile: [height, width], window: { x, y, half }, ...pictures }) {
  const [base, across, up] = [pictures.base, pictures.across, pictures.up].map(text => new Float32Array(bytes(text)));
  const sheet = Object.assign(document.createElement("canvas"), { width: side * width, height: side * height });
  const context = sheet.getContext("2d");
  const image = context.createImageData(width, height);
  const middle = index => half * ((index + 0.5) / side * 2 - 1);
  for (let row = 0; row < side; row += 1) {
    for (let column = 0; column < side; column += 1) {
      const [right, above] = [x + middle(column), y - middle(row)];
      base.forEach((value, pixel) => {
        image.data.fill(255 * (value + right * across[pixel] + above * up[pixel]), 4 * pixel, 4 * pixel + 3);
        image.data[4 * pixel + 3] = 255;
      });
      context.putImageData(image, column * width, row * height);
    }
  }
  return sheet;
}

export default function ({ data }) {
  const atlases = (globalThis.vaeLabAtlases ??= new Map());
  if (atlases.has(data.id)) return;
  const sheet = data.plane ? drawn(data.plane) : Object.assign(new Image(), { src: data.sheet });
  atlases.set(data.id, {
    sheet,
    means: new Float32Array(bytes(data.means)),
    deviations: new Float32Array(bytes(data.deviations)),
    labels: new Uint8Array(bytes(data.labels)),
  });
  while (atlases.size > MOST_KEPT) atlases.delete(atlases.keys().next().value);
  Promise.resolve(sheet.decode?.()).catch(() => {}).then(() => globalThis.dispatchEvent(new Event("vae-lab-atlas")));
}
