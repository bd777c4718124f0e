// Carries the tiles and codes of one beta to the browser. It is an element of its own, so that Streamlit sends it once and
// afterwards only its hash: moving a pin resends nothing of it. The map fetches it from here by its id.

const MOST_KEPT = 6;

const bytes = text => Uint8Array.from(atob(text), character => character.charCodeAt(0)).buffer;

export default function ({ data }) {
  const atlases = (globalThis.vaeLabAtlases ??= new Map());
  if (atlases.has(data.id)) return;
  const sheet = new Image();
  sheet.src = data.sheet;
  atlases.set(data.id, {
    sheet,
    means: new Float32Array(bytes(data.means)),
    deviations: new Float32Array(bytes(data.deviations)),
    labels: new Uint8Array(bytes(data.labels)),
  });
  while (atlases.size > MOST_KEPT) atlases.delete(atlases.keys().next().value);
  sheet.decode().catch(() => {}).then(() => globalThis.dispatchEvent(new Event("vae-lab-atlas")));
}
