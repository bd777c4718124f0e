// The latent plane. What a point decodes to is cropped from a sheet of tiles that is already here: no trip to the server.
// A pinned point goes to the server, which decodes it exactly and answers with its picture.

const TAU = 2 * Math.PI;
const KEY_PAUSE = 250; // ms: the server is asked when the arrow keys rest
const MOST_MOVED = 10; // pixels: what moves further is no click
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
const VIEWS = new WeakMap();

class MapView {
  constructor(root) {
    for (const name of ["plane", "drawing", "marks", "live", "pinned", "legend"]) this[name] = root.querySelector(`.${name}`);
    this.tile = this.live.querySelector("canvas");
    this.hover = null;
    this.pin = null;
    const { plane } = this;
    plane.addEventListener("pointermove", event => this.point(event));
    plane.addEventListener("pointerdown", event => this.press(event));
    plane.addEventListener("pointerup", event => this.release(event));
    for (const end of ["pointerleave", "pointercancel"]) plane.addEventListener(end, () => this.leave());
    plane.addEventListener("keydown", event => this.key(event));
    this.redraw = () => this.draw();
    this.resized = new ResizeObserver(this.redraw);
    this.resized.observe(plane);
    globalThis.addEventListener("vae-lab-atlas", this.redraw);
  }

  remove() {
    clearTimeout(this.waiting);
    this.resized.disconnect();
    globalThis.removeEventListener("vae-lab-atlas", this.redraw);
  }

  update(data, send) {
    this.data = data;
    this.send = send;
    if (!this.waiting) this.pin = data.pin && [data.pin.x, data.pin.y]; // else the student has moved on already
    this.plane.setAttribute("aria-label", data.alt);
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
  }

  get atlas() {
    return globalThis.vaeLabAtlases?.get(this.data?.atlas);
  }

  get rest() { // the point that is shown while none is pointed to or pinned
    return this.data.own?.mean ?? [this.data.window.x, this.data.window.y];
  }

  digits() { // as many as a step of the arrow keys has
    return Math.max(2, Math.ceil(-Math.log10(this.data.window.half / 40)));
  }

  // Between the plane and pixels of the screen.
  across(x) { return ((x - this.data.window.x) / this.data.window.half + 1) / 2 * this.side; }
  down(y) { return (1 - (y - this.data.window.y) / this.data.window.half) / 2 * this.side; }
  length(value) { return value / this.data.window.half / 2 * this.side; }

  point(event) {
    const box = this.plane.getBoundingClientRect();
    const { x, y, half } = this.data.window;
    const across = (event.clientX - box.left) / box.width * 2 - 1, down = (event.clientY - box.top) / box.height * 2 - 1;
    this.hover = Math.max(Math.abs(across), Math.abs(down)) <= 1 ? [x + half * across, y - half * down] : null;
    this.mark();
  }

  press(event) {
    this.pressed = event.isPrimary && event.button === 0 ? [event.clientX, event.clientY] : null;
    this.point(event);
  }

  release(event) { // a finger or mouse that was dragged has only looked around
    this.point(event);
    const still = this.pressed && Math.hypot(event.clientX - this.pressed[0], event.clientY - this.pressed[1]) < MOST_MOVED;
    this.pressed = null;
    if (still && this.hover) this.moveTo(this.hover, 0);
  }

  leave() {
    this.hover = this.pressed = null;
    this.mark();
  }

  key(event) {
    if (event.key === "Escape" && (this.pin || this.data.pinned)) return this.moveTo(null, 0);
    const arrow = ARROWS[event.key];
    if (!arrow || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    const { x, y, half } = this.data.window;
    const step = half / 40 * (event.shiftKey ? 10 : 1);
    const from = this.pin ?? this.rest;
    const inside = (value, centre) => Math.min(centre + half, Math.max(centre - half, value));
    this.hover = null;
    this.moveTo([inside(from[0] + step * arrow[0], x), inside(from[1] + step * arrow[1], y)], KEY_PAUSE);
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
    const style = getComputedStyle(this.plane);
    this.ink = style.getPropertyValue("--st-text-color").trim() || "#888";
    this.paper = style.getPropertyValue("--st-background-color").trim() || "#fff";
    const context = this.prepared(this.drawing);
    context.fillStyle = this.paper;
    context.fillRect(0, 0, this.side, this.side);
    this.drawAxes(context);
    if (data.posterior) this.drawPosterior(context);
    this.drawPrior(context);
    if (this.atlas && data.codes) this.drawCodes(context);
    for (const { mean, deviation, colour } of data.ellipses) this.drawGaussian(context, mean, deviation, colour);
    this.drawTrail(context);
    if (data.own) this.drawOwn(context);
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
    const places = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
    context.font = "11px sans-serif";
    context.strokeStyle = this.ink;
    context.fillStyle = this.ink;
    context.lineWidth = 1;
    for (let tick = Math.ceil((x - half) / step); tick * step <= x + half; tick += 1) {
      const place = this.across(tick * step);
      line(context, place, 0, place, this.side, tick === 0 ? 0.35 : 0.1);
      if (place > 14 && place < this.side - 20) context.fillText((tick * step).toFixed(places), place + 3, this.side - 4);
    }
    for (let tick = Math.ceil((y - half) / step); tick * step <= y + half; tick += 1) {
      const place = this.down(tick * step);
      line(context, 0, place, this.side, place, tick === 0 ? 0.35 : 0.1);
      if (place > 14 && place < this.side - 20) context.fillText((tick * step).toFixed(places), 4, place - 3);
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

  drawCodes(context) {
    const { means, deviations, labels } = this.atlas;
    const { count, colours } = this.data;
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.font = "bold 9px sans-serif";
    const shown = Math.min(count, deviations.length / 2);
    for (let index = labels.length - 1; index >= 0; index -= 1) { // those with a posterior last, so that they lie above
      context.globalAlpha = count && index >= shown ? 0.25 : 0.85;
      context.fillStyle = colours[labels[index] % colours.length];
      context.fillText(labels[index], this.across(means[2 * index]), this.down(means[2 * index + 1]));
    }
    context.textAlign = "start";
    context.textBaseline = "alphabetic";
    for (let index = 0; index < shown; index += 1) {
      context.strokeStyle = context.fillStyle = colours[labels[index] % colours.length];
      this.ellipse(context, [means[2 * index], means[2 * index + 1]], [deviations[2 * index], deviations[2 * index + 1]], 1);
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
    context.drawImage(this.raster, this.across(x - half), this.down(y + half), this.length(2 * half), this.length(2 * half));
  }

  drawGaussian(context, mean, deviation, colour) { // at 1, 2 and 3 standard deviations
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

  drawOwn(context) {
    const { own } = this.data;
    const [left, top] = [this.across(own.mean[0]), this.down(own.mean[1])];
    this.drawGaussian(context, own.mean, own.deviation, this.data.ownColour);
    // Four strokes that point to it, since its true size may be a few pixels.
    const reach = 8 + this.length(3 * Math.max(...own.deviation));
    for (const [colour, width, more] of [[this.paper, 8, 2], [this.data.ownColour, 4, 0]]) {
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
    context.ellipse(this.across(mean[0]), this.down(mean[1]), this.length(times * deviation[0]),
      this.length(times * deviation[1]), 0, 0, TAU);
  }

  mark() { // the pin, the point under the pointer, and its tile
    const context = this.prepared(this.marks);
    const shown = this.hover ?? this.pin ?? this.rest;
    if (this.pin) {
      const [left, top] = [this.across(this.pin[0]), this.down(this.pin[1])];
      for (const [colour, width] of [[this.paper, 5], [this.ink, 2]]) {
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
  }

  coordinates(x, y) { // of the code z, unless the plane is another one's
    const [across, down] = [x, y].map(value => value.toFixed(this.digits()).replace("-", "−"));
    return `${this.data.text.point ?? "z"} = (${across}, ${down})`;
  }

  showTile([x, y]) {
    const { window: { x: centreX, y: centreY, half }, side, tile: [height, width] } = this.data;
    const text = this.coordinates(x, y);
    this.live.querySelector("p").textContent = text;
    this.tile.setAttribute("aria-label", `${this.data.text.live} ${text}`);
    if (!this.atlas?.sheet.width) return;
    const place = value => Math.min(side - 1, Math.max(0, Math.floor((value + 1) / 2 * side)));
    const column = place((x - centreX) / half), row = place((centreY - y) / half);
    this.tile.width = width;
    this.tile.height = height;
    this.tile.getContext("2d").drawImage(this.atlas.sheet, column * width, row * height, width, height, 0, 0, width, height);
  }
}

function line(context, fromX, fromY, toX, toY, alpha) {
  context.globalAlpha = alpha;
  context.beginPath();
  context.moveTo(fromX, fromY);
  context.lineTo(toX, toY);
  context.stroke();
  context.globalAlpha = 1;
}

function niceStep(rough) { // 1, 2 or 5 times a power of ten
  const power = 10 ** Math.floor(Math.log10(rough));
  return power * [1, 2, 5, 10].find(step => step * power >= rough * 0.999);
}

function legendItem({ shape, colour, label }) {
  const item = document.createElement("li");
  const fill = shape === "area" ? colour : "none";
  const dash = shape === "dashed" ? "2 2" : "none";
  item.innerHTML = `<svg width="14" height="14" aria-hidden="true"><ellipse cx="7" cy="7" rx="6" ry="${shape === "own" ? 4 : 6}"
    fill="${fill}" stroke="${colour || "currentColor"}" stroke-dasharray="${dash}" stroke-width="${shape === "own" ? 2 : 1.2}"/></svg>`;
  item.append(label);
  return item;
}

export default function ({ data, parentElement, setTriggerValue }) { // called again when the data or the theme change
  let view = VIEWS.get(parentElement);
  if (!view?.plane.isConnected) {
    view?.remove();
    view = new MapView(parentElement);
    VIEWS.set(parentElement, view);
  }
  view.update(data, setTriggerValue);
  return () => { // Streamlit also calls this for a call that a newer one has overtaken
    if (!view.plane.isConnected) view.remove();
  };
}
