// Runs after an answer that brings the view's link: the address bar then holds that link, and a
// slider that counts stops tells its beta to screen readers.
const DRAWN = 100; // milliseconds until the answer is on the page

setTimeout(() => {
  const query = document.querySelector(".languages a[aria-current]").search;
  history.replaceState(null, "", query + location.hash);
  const slider = document.querySelector("#beta input[type=range]");
  slider?.setAttribute("aria-valuetext", new URLSearchParams(query).get("beta"));
}, DRAWN);
