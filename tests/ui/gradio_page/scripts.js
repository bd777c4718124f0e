import { readFileSync } from "node:fs";

const PLACEHOLDER = "/* settings */ {}";

// The text of a script of the Gradio page, with its settings where scripts.py puts them.
export function script(name, settings) {
  const file = new URL(`../../../ui/gradio_page/${name}.js`, import.meta.url);
  const text = readFileSync(file, "utf8");
  const places = text.split(PLACEHOLDER);
  if (places.length !== (settings ? 2 : 1)) throw new Error(`placeholders in ${name}.js`);
  return places.join(JSON.stringify(settings));
}

// Runs a script as the body of a function, as Gradio does. names: what it finds by name.
export function run(text, names) {
  new Function(...Object.keys(names), text)(...Object.values(names));
}
