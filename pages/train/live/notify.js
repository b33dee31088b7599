// A switch that asks the browser for a notification when a run has ended, also while its tab is in the background.
// What was asked for is kept for this tab, because the page is drawn anew when the run ends.

const DENIED = "This browser blocks notifications for this address; its site settings can allow them.";
const IMPOSSIBLE = "Browsers show notifications only for https addresses and for this machine's own.";

const isPossible = () => window.isSecureContext && "Notification" in window;

/** @param {string} key @returns {boolean} */
function isWanted(key) {
  return isPossible() && Notification.permission === "granted" && sessionStorage.getItem(key) !== null;
}

function show(button, status, key, problem) {
  const wanted = isWanted(key);
  button.setAttribute("aria-pressed", String(wanted));
  button.textContent = wanted ? "You will be notified" : "Notify me when it ends";
  status.textContent = problem;
}

async function toggle(key) {
  if (!isPossible()) return IMPOSSIBLE;
  if (isWanted(key)) {
    sessionStorage.removeItem(key);
    return "";
  }
  if ((await Notification.requestPermission()) !== "granted") return DENIED;
  sessionStorage.setItem(key, "wanted");
  return "";
}

export default function ({ data, parentElement }) {
  const [button, status] = [parentElement.querySelector("button"), parentElement.querySelector("span")];
  const key = `notify ${data.run}`;
  parentElement.querySelector(".notify").hidden = !data.goesOn;
  if (!data.goesOn && isWanted(key)) {
    sessionStorage.removeItem(key); // first, so that it happens once
    new Notification(data.title, { body: data.body, tag: key });
  }
  button.onclick = async () => show(button, status, key, await toggle(key));
  button.disabled = false; // the markup is there before this script
  show(button, status, key, status.textContent);
}
