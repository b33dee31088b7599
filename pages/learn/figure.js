// What the figures of the lessons share.

let running = 0;

/** Call a function with shares from 0 to 1 over some milliseconds; at once with 1 for those who want no motion.
 * @param {number} duration @param {(share: number) => void} draw */
export function animate(duration, draw) {
  const own = ++running;
  if (matchMedia("(prefers-reduced-motion: reduce)").matches) return draw(1);
  const start = performance.now();
  const tick = (now) => {
    if (own !== running) return draw(1);
    const share = Math.min(1, Math.max(0, (now - start) / duration));
    draw(share);
    if (share < 1) requestAnimationFrame(tick);
  };
  requestAnimationFrame(tick);
}

/** The theme's text color. @param {Element} node */
export const ink = (node) => getComputedStyle(node).getPropertyValue("--st-text-color") || "#888";
