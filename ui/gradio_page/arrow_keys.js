// Runs when the page is opened: the arrow keys move between the radio buttons of a group. Gradio
// gives each button a name of its own, so that the browser takes it for a group of one.
const STEPS = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };

document.addEventListener("keydown", event => {
  const step = STEPS[event.key];
  if (!step || event.target.type !== "radio") return;
  const group = [...event.target.closest("fieldset").querySelectorAll("input[type=radio]")];
  const next = group[(group.indexOf(event.target) + step + group.length) % group.length];
  event.preventDefault();
  next.focus();
  next.click();
});
