// Ctrl+V anywhere on the page: Streamlit's uploader takes an image from the clipboard only while it has the focus.

const ZONE = '[data-testid="stFileUploaderDropzone"]';

let place = null; // where the component was drawn last; no longer connected once its tab is closed

function passOn(event) {
  const zone = document.querySelector(ZONE);
  const files = [...(event.clipboardData?.files ?? [])];
  if (!place?.isConnected || !zone || zone.contains(event.target) || !files.length) return;
  const clipboardData = new DataTransfer();
  for (const file of files) clipboardData.items.add(file);
  event.preventDefault();
  zone.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true }));
}

document.addEventListener("paste", passOn);

export default function ({ parentElement }) {
  place = parentElement;
}
