// One source of pictures inside a gr.HTML component, which runs this as the body of a function:
// `element` is its box, `trigger` sends an event to the server.
const settings = /* settings */ {};
const text = navigator.language.toLowerCase().startsWith("ko")
  ? settings.text.ko
  : settings.text.en;
const box = element.querySelector(".picture-source");

const add = (parent, tag, properties = {}, attributes = {}) => {
  const child = Object.assign(document.createElement(tag), properties);
  for (const [name, value] of Object.entries(attributes)) child.setAttribute(name, value);
  return parent.appendChild(child);
};
const send = picture => trigger("input", { picture });
const complain = problem => trigger("input", { problem });

function upload() {
  const label = add(box, "label", { className: "drop" });
  add(label, "span", { textContent: text.choose });
  add(label, "small", { textContent: text.choose_help });
  const input = add(label, "input", { type: "file", accept: "image/*,.heic,.heif,.avif" });
  const read = file => {
    if (!file) return;
    if (file.size > settings.most_bytes) return complain("too_large");
    const reader = new FileReader();
    // An empty file's address has no data part at all; the server then says that it is empty.
    reader.onload = () => send(reader.result.includes(",") ? reader.result : "data:,");
    reader.readAsDataURL(file);
  };
  input.onchange = () => {
    read(input.files[0]);
    input.value = "";
  };
  label.ondragover = event => {
    event.preventDefault();
    label.classList.add("over");
  };
  label.ondragleave = () => label.classList.remove("over");
  label.ondrop = event => {
    event.preventDefault();
    label.classList.remove("over");
    read(event.dataTransfer.files[0]);
  };
}

function draw() {
  const canvas = add(
    box,
    "canvas",
    { width: 400, height: 400 },
    { role: "img", "aria-label": text.draw },
  );
  const pen = canvas.getContext("2d");
  const clear = () => {
    pen.fillStyle = "#FFFFFF";
    pen.fillRect(0, 0, canvas.width, canvas.height);
  };
  clear();
  Object.assign(pen, {
    lineWidth: 28,
    lineCap: "round",
    lineJoin: "round",
    strokeStyle: "#111111",
  });
  const place = event => {
    const { left, top, width, height } = canvas.getBoundingClientRect();
    return [
      ((event.clientX - left) * canvas.width) / width,
      ((event.clientY - top) * canvas.height) / height,
    ];
  };
  let drawing = false;
  canvas.onpointerdown = event => {
    drawing = true;
    canvas.setPointerCapture(event.pointerId);
    pen.beginPath();
    pen.moveTo(...place(event));
    pen.lineTo(...place(event));
    pen.stroke();
  };
  canvas.onpointermove = event => {
    if (!drawing) return;
    pen.lineTo(...place(event));
    pen.stroke();
  };
  canvas.onpointerup = canvas.onpointercancel = () => {
    if (drawing) send(canvas.toDataURL("image/png"));
    drawing = false;
  };
  add(box, "button", { type: "button", textContent: text.clear, onclick: clear });
}

function camera() {
  const button = add(box, "button", { type: "button", textContent: text.start });
  const video = add(box, "video", { autoplay: true, muted: true, playsInline: true, hidden: true });
  let stream = null;
  let starting = false;
  const stop = () => {
    if (!stream) return;
    for (const track of stream.getTracks()) track.stop();
    stream = null;
    video.hidden = true;
    button.textContent = text.start;
  };
  // Left for another tab of the page, or for another page, it goes out.
  new IntersectionObserver(([entry]) => {
    if (!entry.isIntersecting && !box.offsetParent) stop();
  }).observe(box);
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) stop();
  });
  button.onclick = async () => {
    if (starting) return;
    if (!stream) {
      starting = true;
      try {
        stream = await navigator.mediaDevices.getUserMedia({
          video: { facingMode: "environment", width: { ideal: 1280 } },
        });
      } catch {
        // refused, none there, or a page without https
        return complain("no_camera");
      } finally {
        starting = false;
      }
      video.srcObject = stream;
      video.hidden = false;
      button.textContent = text.take;
      return;
    }
    if (!video.videoWidth) return; // not a single frame yet
    const frame = Object.assign(document.createElement("canvas"), {
      width: video.videoWidth,
      height: video.videoHeight,
    });
    frame.getContext("2d").drawImage(video, 0, 0);
    send(frame.toDataURL("image/jpeg", 0.92));
    stop();
  };
}

({ upload, draw, camera })[settings.kind]();
