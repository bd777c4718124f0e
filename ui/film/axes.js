// Axes of small charts in SVG. Exported by name: what axes.test.js tests.

const SVG = "http://www.w3.org/2000/svg";

// Multiples of 1, 2 or 5 times a power of ten from 0 to the most, about as many as there is room.
export function ticksTo(most, room) {
  const rough = most / Math.max(1, room);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 5, 10].find(factor => factor * power >= rough * 0.999);
  const count = Math.floor(most / step + 1e-9);
  return Array.from({ length: count + 1 }, (_, at) => Number((at * step).toPrecision(12)));
}

// How far along a logarithmic axis a value lies, from 0 to 1.
export const alongLog = (value, from, to) => Math.log(value / from) / Math.log(to / from);

// The number of the place nearest to x; places rise.
export function nearestTo(places, x) {
  let best = 0;
  for (const [number, place] of places.entries())
    if (Math.abs(place - x) < Math.abs(places[best] - x)) best = number;
  return best;
}

export function drawn(kind, attributes) {
  const element = document.createElementNS(SVG, kind);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}

export function written(text, attributes) {
  const element = drawn("text", attributes);
  element.textContent = text;
  return element;
}

// A title beside a vertical axis.
export const upright = (text, x, y) =>
  written(text, {
    class: "name",
    transform: `translate(${x} ${y}) rotate(-90)`,
    "text-anchor": "middle",
  });
