import assert from "node:assert/strict";
import { test } from "node:test";
import { element, FakeElement, openPage } from "../elements.js";
import { run, script } from "./scripts.js";

const TEXT = { choose: "Choose", draw: "Draw", clear: "Clear", start: "Start", take: "Take" };

// Runs the script in a component of this kind.
function opened(kind, { language = "en-GB", getUserMedia } = {}) {
  const settings = { kind, most_bytes: 100, text: { en: TEXT, ko: { ...TEXT, choose: "고르기" } } };
  const page = openPage();
  const observed = [];
  globalThis.IntersectionObserver = class {
    constructor(told) {
      observed.push(told);
    }
    observe() {}
  };
  const root = element("root", "div.picture-source");
  const box = root.querySelector(".picture-source");
  const sent = [];
  const navigator = { language, mediaDevices: getUserMedia && { getUserMedia } };
  const trigger = (name, data) => sent.push([name, data]);
  run(script("picture_source", settings), { element: root, trigger, navigator });
  const find = selector => root.querySelector(selector);
  return { page, box, find, sent, seen: entry => observed.map(told => told([entry])) };
}

// Like a browser's: the address of an empty file has no data.
function readAs(address) {
  globalThis.FileReader = class {
    readAsDataURL() {
      this.result = address;
      this.onload();
    }
  };
}

test("a Korean browser is spoken to in Korean, any other in English", () => {
  const said = language => opened("upload", { language }).find("span").textContent;
  assert.deepEqual(["ko", "ko-KR", "en", "fr", "KO-kr"].map(said), [
    "고르기",
    "고르기",
    "Choose",
    "Choose",
    "고르기",
  ]);
});

test("a file is sent as its address, and may be chosen again", () => {
  readAs("data:image/png;base64,AAAA");
  const { find, sent } = opened("upload");
  const input = find("input");
  Object.assign(input, { files: [{ size: 100 }], value: "picture.png" });
  input.happen("change");
  assert.deepEqual(sent, [["input", { picture: "data:image/png;base64,AAAA" }]]);
  assert.equal(input.value, "");
});

test("an empty file is sent as an address without data", () => {
  readAs("data:");
  const { find, sent } = opened("upload");
  Object.assign(find("input"), { files: [{ size: 0 }] });
  find("input").happen("change");
  assert.deepEqual(sent, [["input", { picture: "data:," }]]);
});

test("a file that is too large is not read, and none is no file", () => {
  readAs("data:,never");
  const { find, sent } = opened("upload");
  Object.assign(find("input"), { files: [{ size: 101 }] });
  find("input").happen("change");
  assert.deepEqual(sent, [["input", { problem: "too_large" }]]);
  find("input").files = [];
  find("input").happen("change");
  assert.equal(sent.length, 1);
});

test("a file that is dropped is read like one that is chosen", () => {
  readAs("data:image/png;base64,AAAA");
  const { find, sent } = opened("upload");
  const label = find(".drop");
  assert.ok(label.happen("dragover").defaultPrevented);
  assert.ok(label.classList.contains("over"));
  assert.ok(label.happen("drop", { dataTransfer: { files: [{ size: 4 }] } }).defaultPrevented);
  assert.ok(!label.classList.contains("over"));
  assert.equal(sent.length, 1);
});

test("the pen draws where the pointer is, however large the canvas is shown", () => {
  const { find, sent } = opened("draw");
  const canvas = find("canvas");
  Object.assign(canvas, {
    getBoundingClientRect: () => ({ left: 10, top: 20, width: 200, height: 100 }),
    setPointerCapture: () => {},
    toDataURL: type => `data:${type},drawn`,
  });
  canvas.happen("pointermove", { clientX: 50, clientY: 50 });
  canvas.happen("pointerup");
  assert.deepEqual(sent, []); // it only passed by
  canvas.happen("pointerdown", { clientX: 10, clientY: 20 });
  canvas.happen("pointermove", { clientX: 110, clientY: 70 });
  canvas.happen("pointerup");
  const pen = canvas.getContext("2d");
  assert.deepEqual(pen.called("moveTo"), [[0, 0]]);
  assert.deepEqual(pen.called("lineTo"), [
    [0, 0],
    [200, 200],
  ]);
  assert.deepEqual(sent, [["input", { picture: "data:image/png,drawn" }]]);
  canvas.happen("pointermove", { clientX: 110, clientY: 70 });
  assert.equal(pen.called("lineTo").length, 2);
});

test("the canvas is white at first and when it is cleared", () => {
  const { find } = opened("draw");
  const pen = find("canvas").getContext("2d");
  assert.deepEqual(pen.called("fillRect"), [[0, 0, 400, 400]]);
  find("button").happen("click");
  assert.equal(pen.called("fillRect").length, 2);
  assert.equal(pen.fillStyle, "#FFFFFF");
});

function filming() {
  const stopped = [];
  const track = { stop: () => stopped.push("stopped") };
  const source = opened("camera", { getUserMedia: async () => ({ getTracks: () => [track] }) });
  const frames = [];
  source.page.createElement = kind => {
    const frame = new FakeElement(kind);
    frames.push(frame);
    return Object.assign(frame, {
      toDataURL: (type, quality) => `data:${type},${frame.width}x${frame.height},${quality}`,
    });
  };
  return { ...source, stopped, frames };
}

test("a frame is sent as large as the camera's, then the camera goes out", async () => {
  const { find, sent, stopped, frames } = filming();
  const [button, video] = [find("button"), find("video")];
  assert.deepEqual([button.textContent, video.hidden], ["Start", true]);
  await button.onclick();
  assert.deepEqual([button.textContent, video.hidden], ["Take", false]);
  await button.onclick();
  assert.deepEqual(sent, []); // not a single frame yet
  Object.assign(video, { videoWidth: 1280, videoHeight: 720 });
  await button.onclick();
  assert.deepEqual(sent, [["input", { picture: "data:image/jpeg,1280x720,0.92" }]]);
  assert.deepEqual(frames[0].getContext("2d").called("drawImage"), [[video, 0, 0]]);
  assert.deepEqual([button.textContent, video.hidden, stopped.length], ["Start", true, 1]);
});

test("a camera that is left goes out", async () => {
  const { page, box, find, stopped, seen } = filming();
  await find("button").onclick();
  box.offsetParent = {};
  seen({ isIntersecting: false }); // scrolled away only
  assert.equal(stopped.length, 0);
  box.offsetParent = null;
  seen({ isIntersecting: true });
  assert.equal(stopped.length, 0);
  seen({ isIntersecting: false });
  assert.equal(stopped.length, 1);
  await find("button").onclick();
  page.hidden = true;
  page.happen("visibilitychange");
  assert.equal(stopped.length, 2);
});

test("without a camera, or without leave to use it, that is said", async () => {
  const refused = opened("camera", { getUserMedia: async () => assert.fail("refused") });
  await refused.find("button").onclick();
  assert.deepEqual(refused.sent, [["input", { problem: "no_camera" }]]);
  const none = opened("camera");
  await none.find("button").onclick();
  await none.find("button").onclick();
  assert.equal(none.sent.length, 2);
});

test("a camera is asked for once, however often the button is pressed meanwhile", async () => {
  let asked = 0;
  const getUserMedia = async () => {
    asked += 1;
    return { getTracks: () => [] };
  };
  const { find } = opened("camera", { getUserMedia });
  await Promise.all([find("button").onclick(), find("button").onclick()]);
  assert.equal(asked, 1);
});
