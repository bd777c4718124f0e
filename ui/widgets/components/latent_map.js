// The latent plane. What a point decodes to is cropped from a sheet of tiles that is already here
// (map_tiles.js): no trip to the server. A pinned point goes to the server, which decodes it
// exactly and answers with its picture. Where beta moves under the hand, the map at other stops
// comes from its film (film.js), and at rest the server's answer takes its place. Exported by name:
// what latent_map.test.js tests.

const TAU = 2 * Math.PI;
const KEY_PAUSE = 250; // ms: the server is asked when the arrow keys rest
const MOST_MOVED = 10; // pixels: what moves further is no click
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
const STEPS = 40; // of the arrow keys, from the middle of the window to its edge
const VIEWS = new WeakMap();

// Between the plane and pixels of the screen. window: the middle x, y and half a side of the part
// of the plane that is shown, in a square of so many pixels a side.
export const screenX = (x, window, side) => (((x - window.x) / window.half + 1) / 2) * side;
export const screenY = (y, window, side) => ((1 - (y - window.y) / window.half) / 2) * side;
export const screenLength = (length, { half }, side) => (length / half / 2) * side;

// The point of the plane under a pointer; null outside. box: the square on the screen.
export function pointAt({ clientX, clientY }, box, { x, y, half }) {
  const across = ((clientX - box.left) / box.width) * 2 - 1;
  const down = ((clientY - box.top) / box.height) * 2 - 1;
  return Math.max(Math.abs(across), Math.abs(down)) <= 1
    ? [x + half * across, y - half * down]
    : null;
}

// Whether a pointer that was pressed and released has stayed: a finger or mouse that was dragged
// has only looked around.
export function isClick([fromX, fromY], [toX, toY]) {
  return Math.hypot(toX - fromX, toY - fromY) < MOST_MOVED;
}

// One step of an arrow key from a point, ten with shift, not out of the window; null for another
// key.
export function stepped(
  [fromX, fromY],
  { key, shiftKey, ctrlKey, metaKey, altKey },
  { x, y, half },
) {
  const arrow = ARROWS[key];
  if (!arrow || ctrlKey || metaKey || altKey) return null;
  const step = (half / STEPS) * (shiftKey ? 10 : 1);
  const inside = (value, centre) => Math.min(centre + half, Math.max(centre - half, value));
  return [inside(fromX + step * arrow[0], x), inside(fromY + step * arrow[1], y)];
}

// Decimal places of a coordinate: as many as a step of the arrow keys has, at least two.
export const digits = half => Math.max(2, Math.ceil(-Math.log10(half / STEPS)));

// The row, from the top, and the column of the tile that a point lies in, or is nearest to; side:
// tiles a side of the window.
export function tileAt([pointX, pointY], { x, y, half }, side) {
  const place = value => Math.min(side - 1, Math.max(0, Math.floor(((value + 1) / 2) * side)));
  return [place((y - pointY) / half), place((pointX - x) / half)];
}

// 1, 2 or 5 times a power of ten, not less than what is given.
export function niceStep(rough) {
  const power = 10 ** Math.floor(Math.log10(rough));
  return power * [1, 2, 5, 10].find(step => step * power >= rough * 0.999);
}

// The multiples of step from centre - half to centre + half, each divided by step.
export function ticks(centre, half, step) {
  const found = [];
  for (let tick = Math.ceil((centre - half) / step); tick * step <= centre + half; tick += 1)
    found.push(tick);
  return found;
}

// Decimal places that tell multiples of step apart.
export const places = step => Math.max(0, -Math.floor(Math.log10(step) + 1e-9));

// What is written below a picture. name: of the point, such as z.
export function coordinates(x, y, half, name) {
  const [across, down] = [x, y].map(value => value.toFixed(digits(half)).replace("-", "−"));
  return `${name} = (${across}, ${down})`;
}

// How many of the codes have an ellipse: as many as are asked for, of those that have deviations,
// two numbers each.
export const shownPosteriors = (count, deviations) => Math.min(count, deviations.length / 2);

// Whole numbers that Python packed: the bytes of each significance together, the sign in the lowest
// bit, and of the stops' numbers (so many for each) the second differences. As parts of 1 / steps.
export function summed(bytes, stops, steps) {
  const total = bytes.length / 4;
  const each = total / stops;
  const whole = new Int32Array(total);
  for (let index = 0; index < total; index += 1) {
    let bits = 0;
    for (let byte = 3; byte >= 0; byte -= 1) bits = (bits << 8) | bytes[byte * total + index];
    whole[index] = (bits >>> 1) ^ -(bits & 1);
  }
  for (let time = 0; time < 2; time += 1)
    for (let index = each; index < total; index += 1) whole[index] += whole[index - each];
  return Float32Array.from(whole, value => value / steps);
}

// The numbers of one stop, of an array with as many for each.
export function at(values, index, stops) {
  const each = values.length / stops;
  return values.subarray(index * each, (index + 1) * each);
}

async function inflated(bytes) {
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

// The films' parts, made of what was carried.
const OPENED = {
  async codes({ stops, steps, labels, ...packed }) {
    const [means, deviations] = await Promise.all([packed.means, packed.deviations].map(inflated));
    return {
      stops,
      labels,
      means: summed(means, stops, steps.mean),
      deviations: summed(deviations, stops, steps.deviation).map(Math.exp),
    };
  },
  async picture({ alts, ...packed }, player) {
    return {
      alts,
      means: player.numbers(packed.means),
      deviations: player.numbers(packed.deviations),
      pictures: await opened(packed, alts.length, player),
    };
  },
  async pin({ alts, ...packed }, player) {
    return { alts, pictures: await opened(packed, alts.length, player) };
  },
};

const opened = ({ pictures, width, height }, count, player) =>
  player.pictures(pictures, width, height, count);

class MapView {
  constructor(root) {
    for (const name of ["plane", "drawing", "marks", "live", "pinned", "legend"])
      this[name] = root.querySelector(`.${name}`);
    this.tile = this.live.querySelector("canvas");
    this.pinnedTile = this.pinned.querySelector("canvas");
    this.films = {};
    this.hover = null;
    this.pin = null;
    const { plane } = this;
    plane.addEventListener("pointermove", event => this.point(event));
    plane.addEventListener("pointerdown", event => this.press(event));
    plane.addEventListener("pointerup", event => this.release(event));
    for (const end of ["pointerleave", "pointercancel"])
      plane.addEventListener(end, () => this.leave());
    plane.addEventListener("keydown", event => this.key(event));
    this.redraw = () => this.draw();
    this.resized = new ResizeObserver(this.redraw);
    this.resized.observe(plane);
    globalThis.addEventListener("vae-lab-map-tiles", this.redraw);
    this.carried = () => {
      this.connect();
      this.open();
    };
    globalThis.addEventListener("vae-lab-film", this.carried);
  }

  remove() {
    clearTimeout(this.waiting);
    this.unsubscribe?.();
    globalThis.removeEventListener("vae-lab-film", this.carried);
    this.resized.disconnect();
    globalThis.removeEventListener("vae-lab-map-tiles", this.redraw);
  }

  update(data, send) {
    this.data = data;
    this.send = send;
    // While an answer is awaited the student has moved on already.
    if (!this.waiting) this.pin = data.pin && [data.pin.x, data.pin.y];
    this.carried();
    this.live.querySelector("figcaption").textContent = data.text.live;
    this.pinned.querySelector("figcaption").textContent = data.text.pinned;
    this.pinned.hidden = !data.pin;
    if (data.pin) {
      const image = this.pinned.querySelector("img");
      image.src = data.pin.picture;
      image.alt = data.pin.alt;
      this.pinned.querySelector("p").textContent = this.coordinates(data.pin.x, data.pin.y);
    }
    this.legend.replaceChildren(...data.legend.map(legendItem));
    this.draw();
    this.describe();
  }

  connect() {
    const player = globalThis.vaeLabFilm;
    const scope = this.data?.films?.scope;
    if (!player || this.scope === scope) return;
    this.unsubscribe?.();
    this.scope = scope;
    this.unsubscribe =
      scope &&
      player.subscribe(
        scope,
        () => this.draw(),
        () => this.describe(),
      );
  }

  // Opens what has been carried of the films that the server named, each once.
  open() {
    const player = globalThis.vaeLabFilm;
    for (const [kind, make] of Object.entries(OPENED)) {
      const id = this.data?.films?.[kind];
      const page = id && player?.page(id);
      if (!page || this.films[kind]?.id === id) continue;
      const film = { id };
      this.films[kind] = film;
      make(page, player)
        .then(made => {
          film.made = made;
          if (this.films[kind] !== film) return;
          this.redraw();
          this.describe();
        })
        .catch(console.error);
    }
  }

  // A film of that kind, undefined while it is on its way: never another picture's or point's.
  film(kind) {
    const held = this.films[kind];
    return held && held.id === this.data.films?.[kind] ? held.made : undefined;
  }

  // The stop under the hand.
  get index() {
    return globalThis.vaeLabFilm?.index(this.scope) ?? this.data.films?.at;
  }

  // Whether the stop that is shown is another than that of the server's answer.
  get isAway() {
    return Boolean(this.data.films) && this.index !== this.data.films.at;
  }

  get tiles() {
    return globalThis.vaeLabMapTiles?.get(this.data?.tiles);
  }

  // The reference pictures' codes at the stop that is shown, undefined while they are on their way.
  get codes() {
    if (!this.isAway && this.tiles) return this.tiles;
    const film = this.film("codes");
    return (
      film && {
        labels: film.labels,
        means: at(film.means, this.index, film.stops),
        deviations: at(film.deviations, this.index, film.stops),
      }
    );
  }

  // The posterior of one's own picture at the stop that is shown.
  get own() {
    if (!this.isAway) return this.data.own;
    const film = this.film("picture");
    return (
      film && {
        mean: at(film.means, this.index, film.alts.length),
        deviation: at(film.deviations, this.index, film.alts.length),
      }
    );
  }

  // Whether the pin is the one that the server has answered.
  get isAnswered() {
    const { pin } = this.data;
    return Boolean(pin && this.pin) && pin.x === this.pin[0] && pin.y === this.pin[1];
  }

  // The point that is shown while none is pointed to or pinned.
  get rest() {
    return this.own?.mean ?? [this.data.window.x, this.data.window.y];
  }

  describe() {
    const film = this.isAway && this.film("picture");
    this.plane.setAttribute("aria-label", film ? film.alts[this.index] : this.data.alt);
  }

  across(x) {
    return screenX(x, this.data.window, this.side);
  }

  down(y) {
    return screenY(y, this.data.window, this.side);
  }

  length(value) {
    return screenLength(value, this.data.window, this.side);
  }

  point(event) {
    this.hover = pointAt(event, this.plane.getBoundingClientRect(), this.data.window);
    this.mark();
  }

  press(event) {
    this.pressed = event.isPrimary && event.button === 0 ? [event.clientX, event.clientY] : null;
    this.point(event);
  }

  release(event) {
    this.point(event);
    const still = this.pressed && isClick(this.pressed, [event.clientX, event.clientY]);
    this.pressed = null;
    if (still && this.hover) this.moveTo(this.hover, 0);
  }

  leave() {
    this.hover = this.pressed = null;
    this.mark();
  }

  key(event) {
    if (event.key === "Escape" && (this.pin || this.data.pinned)) return this.moveTo(null, 0);
    const next = stepped(this.pin ?? this.rest, event, this.data.window);
    if (!next) return;
    event.preventDefault();
    this.hover = null;
    this.moveTo(next, KEY_PAUSE);
  }

  moveTo(pin, pause) {
    this.pin = pin;
    clearTimeout(this.waiting);
    this.waiting = setTimeout(() => {
      this.waiting = null;
      this.send("pin", { point: pin });
    }, pause);
    this.mark();
  }

  draw() {
    if (!this.data) return;
    const { data } = this;
    this.side = this.plane.clientWidth;
    if (!this.side) return;
    const { isAway, codes, own } = this;
    // What was drawn stays, dimmed, until the film of the stop under the hand is there.
    const isWaiting = isAway && !(codes && own);
    this.plane.classList.toggle("waiting", isWaiting);
    this.legend.classList.toggle("away", isAway);
    if (isWaiting) return;
    const style = getComputedStyle(this.plane);
    this.ink = style.getPropertyValue("--st-text-color").trim() || "#888";
    this.paper = style.getPropertyValue("--st-background-color").trim() || "#fff";
    const context = this.prepared(this.drawing);
    context.fillStyle = this.paper;
    context.fillRect(0, 0, this.side, this.side);
    this.drawAxes(context);
    if (data.posterior && !isAway) this.drawPosterior(context); // the server's, of one beta
    this.drawPrior(context);
    if (codes && data.codes) this.drawCodes(context, codes);
    for (const { mean, deviation, colour } of data.ellipses)
      this.drawGaussian(context, mean, deviation, colour);
    this.drawTrail(context);
    if (own) this.drawOwn(context, own);
    this.mark();
  }

  prepared(canvas) {
    const ratio = globalThis.devicePixelRatio || 1;
    canvas.width = canvas.height = Math.round(this.side * ratio);
    const context = canvas.getContext("2d");
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, this.side, this.side);
    return context;
  }

  drawAxes(context) {
    const { x, y, half } = this.data.window;
    const step = niceStep(half / 4);
    const decimals = places(step);
    context.font = "11px sans-serif";
    context.strokeStyle = this.ink;
    context.fillStyle = this.ink;
    context.lineWidth = 1;
    for (const tick of ticks(x, half, step)) {
      const place = this.across(tick * step);
      line(context, place, 0, place, this.side, tick === 0 ? 0.35 : 0.1);
      if (place > 14 && place < this.side - 20)
        context.fillText((tick * step).toFixed(decimals), place + 3, this.side - 4);
    }
    for (const tick of ticks(y, half, step)) {
      const place = this.down(tick * step);
      line(context, 0, place, this.side, place, tick === 0 ? 0.35 : 0.1);
      if (place > 14 && place < this.side - 20)
        context.fillText((tick * step).toFixed(decimals), 4, place - 3);
    }
    context.globalAlpha = 0.35;
    context.strokeRect(0.5, 0.5, this.side - 1, this.side - 1);
    context.globalAlpha = 1;
  }

  drawPrior(context) {
    context.strokeStyle = this.ink;
    context.lineWidth = 1.2;
    context.setLineDash(this.data.rings === "dashed" ? [4, 5] : []);
    for (const deviations of [1, 2, 3]) {
      context.globalAlpha = 0.55;
      context.beginPath();
      context.arc(this.across(0), this.down(0), this.length(deviations), 0, TAU);
      context.stroke();
    }
    context.setLineDash([]);
    context.globalAlpha = 1;
  }

  drawCodes(context, { means, deviations, labels }) {
    const { count, colours } = this.data;
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.font = "bold 9px sans-serif";
    const shown = shownPosteriors(count, deviations);
    // Those with a posterior last, so that they lie above.
    for (let index = labels.length - 1; index >= 0; index -= 1) {
      context.globalAlpha = count && index >= shown ? 0.25 : 0.85;
      context.fillStyle = colours[labels[index] % colours.length];
      context.fillText(
        labels[index],
        this.across(means[2 * index]),
        this.down(means[2 * index + 1]),
      );
    }
    context.textAlign = "start";
    context.textBaseline = "alphabetic";
    for (let index = 0; index < shown; index += 1) {
      context.strokeStyle = context.fillStyle = colours[labels[index] % colours.length];
      this.ellipse(
        context,
        [means[2 * index], means[2 * index + 1]],
        [deviations[2 * index], deviations[2 * index + 1]],
        1,
      );
      context.globalAlpha = 0.2;
      context.fill();
      context.globalAlpha = 0.75;
      context.stroke();
    }
    context.globalAlpha = 1;
  }

  drawPosterior(context) {
    const { posterior } = this.data;
    if (this.raster?.src !== posterior.picture) {
      this.raster = new Image();
      this.raster.onload = this.redraw;
      this.raster.src = posterior.picture;
    }
    if (!this.raster.complete || !this.raster.naturalWidth) return;
    const { x, y, half } = posterior.window;
    context.drawImage(
      this.raster,
      this.across(x - half),
      this.down(y + half),
      this.length(2 * half),
      this.length(2 * half),
    );
  }

  // At 1, 2 and 3 standard deviations.
  drawGaussian(context, mean, deviation, colour) {
    context.globalAlpha = 1;
    context.strokeStyle = context.fillStyle = colour;
    context.lineWidth = 2;
    for (const deviations of [1, 2, 3]) {
      this.ellipse(context, mean, deviation, deviations);
      context.stroke();
    }
    context.beginPath();
    context.arc(this.across(mean[0]), this.down(mean[1]), 2.5, 0, TAU);
    context.fill();
  }

  drawTrail(context) {
    const points = this.data.trail.map(([x, y]) => [this.across(x), this.down(y)]);
    context.strokeStyle = context.fillStyle = this.ink;
    context.lineWidth = 1.5;
    context.beginPath();
    for (const [left, top] of points) context.lineTo(left, top);
    context.stroke();
    for (const [left, top] of points) {
      context.beginPath();
      context.arc(left, top, 2.5, 0, TAU);
      context.fill();
    }
  }

  drawOwn(context, own) {
    const [left, top] = [this.across(own.mean[0]), this.down(own.mean[1])];
    this.drawGaussian(context, own.mean, own.deviation, this.data.ownColour);
    // Four strokes that point to it, since its true size may be a few pixels.
    const reach = 8 + this.length(3 * Math.max(...own.deviation));
    for (const [colour, width, more] of [
      [this.paper, 8, 2],
      [this.data.ownColour, 4, 0],
    ]) {
      context.strokeStyle = colour;
      context.lineWidth = width;
      for (const [dx, dy] of Object.values(ARROWS)) {
        const [near, far] = [reach - more, reach + 16 + more];
        line(context, left + dx * near, top + dy * near, left + dx * far, top + dy * far, 1);
      }
    }
  }

  ellipse(context, mean, deviation, times) {
    context.beginPath();
    context.ellipse(
      this.across(mean[0]),
      this.down(mean[1]),
      this.length(times * deviation[0]),
      this.length(times * deviation[1]),
      0,
      0,
      TAU,
    );
  }

  // The pin, the point under the pointer, and its tile.
  mark() {
    const context = this.prepared(this.marks);
    const shown = this.hover ?? this.pin ?? this.rest;
    if (this.pin) {
      const [left, top] = [this.across(this.pin[0]), this.down(this.pin[1])];
      for (const [colour, width] of [
        [this.paper, 5],
        [this.ink, 2],
      ]) {
        context.strokeStyle = colour;
        context.lineWidth = width;
        context.beginPath();
        context.arc(left, top, 7, 0, TAU);
        context.stroke();
      }
    }
    if (this.hover) {
      context.strokeStyle = this.ink;
      context.lineWidth = 1;
      line(context, this.across(shown[0]), 0, this.across(shown[0]), this.side, 0.5);
      line(context, 0, this.down(shown[1]), this.side, this.down(shown[1]), 0.5);
    }
    this.showTile(shown);
    this.showPinned();
  }

  coordinates(x, y) {
    return coordinates(x, y, this.data.window.half, this.data.text.point ?? "z");
  }

  showTile([x, y]) {
    const { window, side } = this.data;
    const [height, width] = this.data.tile;
    const text = this.coordinates(x, y);
    this.live.querySelector("p").textContent = text;
    this.tile.setAttribute("aria-label", `${this.data.text.live} ${text}`);
    if (this.isAway || !this.tiles?.sheet.width) return this.showFilmed();
    this.tile.classList.remove("empty");
    const [row, column] = tileAt([x, y], window, side);
    this.tile.width = width;
    this.tile.height = height;
    const context = this.tile.getContext("2d");
    const [left, top] = [column * width, row * height];
    context.drawImage(this.tiles.sheet, left, top, width, height, 0, 0, width, height);
  }

  // The picture of the pin or of one's own mean at the stop that is shown. The sheet of tiles is of
  // another beta, and what lies under the pointer is not known here: no picture in place of a wrong
  // one.
  showFilmed() {
    if (!this.data.films) return;
    const film = this.pin ? this.isAnswered && this.film("pin") : this.film("picture");
    const picture = !this.hover && film ? film.pictures[this.index] : null;
    this.tile.classList.toggle("empty", !picture);
    put(this.tile, picture);
  }

  // The server's picture of the pin, or its film's at another stop.
  showPinned() {
    const film = this.isAway && this.isAnswered && this.film("pin");
    this.pinned.classList.toggle("away", this.isAway);
    if (!this.isAway || !this.data.pin) return;
    put(this.pinnedTile, film ? film.pictures[this.index] : null);
    this.pinnedTile.setAttribute("role", "img");
    const label = film ? film.alts[this.index] : this.data.text.pinned;
    this.pinnedTile.setAttribute("aria-label", label);
  }
}

// Draws a picture, or clears the canvas.
function put(canvas, picture) {
  canvas.width = picture?.width ?? 1; // which clears it
  canvas.height = picture?.height ?? 1;
  if (picture) canvas.getContext("2d").putImageData(picture, 0, 0);
}

function line(context, fromX, fromY, toX, toY, alpha) {
  context.globalAlpha = alpha;
  context.beginPath();
  context.moveTo(fromX, fromY);
  context.lineTo(toX, toY);
  context.stroke();
  context.globalAlpha = 1;
}

function legendItem({ shape, colour, label }) {
  const item = document.createElement("li");
  item.className = shape;
  const fill = shape === "area" ? colour : "none";
  const dash = shape === "dashed" ? "2 2" : "none";
  const [height, thickness] = shape === "own" ? [4, 2] : [6, 1.2];
  item.innerHTML =
    '<svg width="14" height="14" aria-hidden="true">' +
    `<ellipse cx="7" cy="7" rx="6" ry="${height}" fill="${fill}" ` +
    `stroke="${colour || "currentColor"}" stroke-dasharray="${dash}" ` +
    `stroke-width="${thickness}"/>` +
    "</svg>";
  item.append(label);
  return item;
}

// Called again when the data or the theme change.
export default function ({ data, parentElement, setTriggerValue }) {
  let view = VIEWS.get(parentElement);
  if (!view?.plane.isConnected) {
    view?.remove();
    view = new MapView(parentElement);
    VIEWS.set(parentElement, view);
  }
  view.update(data, setTriggerValue);
  // Streamlit also calls this for a call that a newer one has overtaken.
  return () => {
    if (!view.plane.isConnected) view.remove();
  };
}
