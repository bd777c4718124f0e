// The browser's history holds one entry for each page that was visited, and none for each move of a
// control: Streamlit pushes every new address, but one of the same page replaces the last.

// Wraps history.pushState once. place: the window's location.
export function replaceWithinPage(history, place) {
  if (history.pushesPagesOnly) return;
  history.pushesPagesOnly = true;
  const push = history.pushState.bind(history);
  history.pushState = (state, unused, address) => {
    const { pathname } = new URL(address, place.href);
    const change = pathname === place.pathname ? history.replaceState.bind(history) : push;
    change(state, unused, address);
  };
}

export default function () {
  replaceWithinPage(globalThis.history, globalThis.location);
}
