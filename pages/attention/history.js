// Streamlit writes the open tab into the address without a new entry of the browser's history; this adds the entry, so
// that Back leads to the tab before.

let shown = null;

/** The address with another tab. @param {string} tab @param {string} first the one that an address needn't name */
function addressOf(tab, first) {
  const address = new URL(location.href);
  if (tab === first) address.searchParams.delete("tab");
  else address.searchParams.set("tab", tab);
  return address;
}

/** @param {{data: {tab: string, first: string}}} given by Streamlit, once a tab is drawn */
export default function remember({ data: { tab, first } }) {
  const here = () => new URLSearchParams(location.search).get("tab") ?? first;
  window.onpopstate = () => {
    shown = here();
  };
  if (shown !== null && shown !== tab) {
    history.replaceState(history.state, "", addressOf(shown, first));
    history.pushState(history.state, "", addressOf(tab, first));
  }
  shown = tab;
  return () => {
    shown = window.onpopstate = null;
  };
}
