// Runs after an answer that brings the view's link: the address bar then holds that link.
const DRAWN = 100; // milliseconds until the answer is on the page

setTimeout(() => {
  const query = document.querySelector(".languages a[aria-current]").search;
  history.replaceState(null, "", query + location.hash);
}, DRAWN);
