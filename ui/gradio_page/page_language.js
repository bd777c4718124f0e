// Stands in the head of the page, before Gradio's scripts, which label it in the browser's
// language: that is now the one of the link.
Object.defineProperties(navigator, /* settings */ {});
