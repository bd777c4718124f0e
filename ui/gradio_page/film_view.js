// A view of the film inside a gr.HTML component, which runs this as the body of a function:
// `element` is its box, `trigger` sends an event to the server, `props.value` is what the server
// says, `watch` calls back when that changes. The view's script is the same as on the Streamlit
// page and is called as there.
const settings = /* settings */ {};

// Data of a view come as JSON, those of a carrier as base64.
const decoded = value =>
  settings.binary
    ? Uint8Array.from(atob(value), letter => letter.charCodeAt(0))
    : JSON.parse(value);
const send = (name, value) => trigger("input", { [name]: value });
const script = URL.createObjectURL(new Blob([settings.script], { type: "text/javascript" }));

import(script)
  .then(({ default: show }) => {
    URL.revokeObjectURL(script);
    const update = () => {
      if (!props.value) return;
      const data = decoded(props.value);
      show({ parentElement: element, data, setStateValue: send, setTriggerValue: send });
    };
    watch("value", update);
    update();
  })
  .catch(console.error);
