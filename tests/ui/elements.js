// As much of a browser's page as the components ask for: elements that remember what they are told,
// and a canvas that remembers what is drawn. What a real browser shows: tests/browser.

export class FakeElement extends EventTarget {
  constructor(kind) {
    super();
    const classes = new Set();
    Object.assign(this, {
      kind,
      children: [],
      dataset: {},
      attributes: {},
      style: { setProperty: (name, value) => Object.assign(this.style, { [name]: value }) },
      isConnected: true,
      textContent: "",
      classList: {
        add: name => classes.add(name),
        remove: name => classes.delete(name),
        contains: name => classes.has(name),
        toggle: (name, on) => (on ? classes.add(name) : classes.delete(name)),
      },
    });
    Object.defineProperty(this, "className", {
      get: () => [...classes].join(" "),
      set: names => {
        classes.clear();
        for (const name of names.split(" ").filter(Boolean)) classes.add(name);
      },
    });
  }

  get firstChild() {
    return this.children[0];
  }

  get descendants() {
    const elements = this.children.filter(child => child instanceof FakeElement);
    return elements.flatMap(child => [child, ...child.descendants]);
  }

  append(...children) {
    this.children.push(...children);
  }

  appendChild(child) {
    this.append(child);
    return child;
  }

  replaceChildren(...children) {
    this.children = children;
  }

  setAttribute(name, value) {
    this.attributes[name] = String(value);
  }

  // Selectors of one part: a kind, a .class or [data-term].
  querySelectorAll(selector) {
    return this.descendants.filter(element => {
      if (selector.startsWith(".")) return element.classList.contains(selector.slice(1));
      if (selector === "[data-term]") return "term" in element.dataset;
      return element.kind === selector;
    });
  }

  querySelector(selector) {
    return this.querySelectorAll(selector)[0] ?? null;
  }

  matches() {
    return false;
  }

  // A canvas.
  getContext() {
    this.context ??= recordingContext();
    return this.context;
  }

  // Calls the listeners and the on… property for an event that has these properties.
  happen(type, properties = {}) {
    const event = Object.assign(new Event(type, { cancelable: true }), properties);
    this.dispatchEvent(event);
    this[`on${type}`]?.(event);
    return event;
  }
}

// Remembers each call as [name, ...arguments].
class Calls {
  calls = [];

  createImageData(width, height) {
    return { width, height, data: new Uint8ClampedArray(4 * width * height) };
  }

  putImageData({ data }, x, y) {
    this.calls.push(["putImageData", [...data], x, y]);
  }

  called(name) {
    return this.calls.filter(call => call[0] === name).map(call => call.slice(1));
  }
}

function recordingContext() {
  const get = (target, name) =>
    target[name] ?? ((...given) => void target.calls.push([name, ...given]));
  return new Proxy(new Calls(), { get });
}

// An element with these children, each a kind, a kind.class, or an element.
export function element(kind, ...children) {
  const [name, ...classes] = kind.split(".");
  const made = new FakeElement(name);
  made.className = classes.join(" ");
  made.append(...children.map(child => (typeof child === "string" ? element(child) : child)));
  return made;
}

// Puts a page's names among the global ones. Returns the document.
export function openPage() {
  const page = new FakeElement("document");
  page.createElement = kind => new FakeElement(kind);
  page.createElementNS = (_, kind) => new FakeElement(kind);
  const events = new EventTarget();
  Object.assign(globalThis, {
    document: page,
    Image: class extends FakeElement {},
    ResizeObserver: class {
      observe() {}
      disconnect() {}
    },
    IntersectionObserver: class {
      observe() {}
    },
    getComputedStyle: () => ({ getPropertyValue: () => "" }),
    devicePixelRatio: 1,
    addEventListener: events.addEventListener.bind(events),
    removeEventListener: events.removeEventListener.bind(events),
    dispatchEvent: events.dispatchEvent.bind(events),
  });
  return page;
}

// Stops the clock. Returns a function that puts it forward by so many milliseconds.
export function stopClock() {
  let now = 0;
  let last = 0;
  const waiting = new Map();
  globalThis.setTimeout = (act, pause) => {
    last += 1;
    waiting.set(last, { act, due: now + pause });
    return last;
  };
  globalThis.clearTimeout = id => waiting.delete(id);
  return pause => {
    now += pause;
    for (const [id, { act, due }] of waiting) {
      if (due > now) continue;
      waiting.delete(id);
      act();
    }
  };
}
