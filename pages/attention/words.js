// The part of the address after "#" keeps what was chosen in a browser; it never travels to the server.

const readWords = () => new URLSearchParams(location.hash.slice(1));

// Set some of its words and leave the others, which belong to other tabs; null takes one out.
function writeWords(changes) {
  const words = readWords(), address = new URL(location.href);
  for (const [name, value] of Object.entries(changes)) {
    if (value === null) words.delete(name);
    else words.set(name, value);
  }
  address.hash = words;
  if (address.href !== location.href) history.replaceState(history.state, "", address);
}
