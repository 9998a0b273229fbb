// How large the tiles of the wall are. Pure.

/** As in style.css: pixels between the tiles, and of what is below each picture. */
const GAP = 16;
const CAPTION = 44;
/** A picture's width by its height. */
const RATIO = 4 / 3;
/** Narrowest tile when all fit the window without scrolling, and when they do not. */
const SMALLEST = 200;
const COMFORTABLE = 300;
/** On a phone up to this many stand below each other, more in pairs. */
const FEW = 4;
const PAIRED = 340;

/** The columns, and the width of all of them together, that make the tiles largest while all of them are in sight. */
export function arrange(count, { width, height }) {
  const wide = (columns) => (width - GAP * (columns - 1)) / columns;
  let best = { columns: 1, tile: 0 };
  for (let columns = 1; columns <= count; columns++) {
    const high = height / Math.ceil(count / columns) - CAPTION - GAP;
    const tile = Math.min(wide(columns), high * RATIO);
    if (tile > best.tile) best = { columns, tile };
  }
  if (best.tile >= SMALLEST) return { columns: best.columns, width: best.columns * (best.tile + GAP) - GAP };
  // They do not fit: as many beside each other as stand comfortably.
  const narrow = width < 2 * COMFORTABLE;
  const columns = narrow ? 1 + (count > FEW && width > PAIRED) : Math.floor((width + GAP) / (COMFORTABLE + GAP));
  return { columns: Math.max(1, Math.min(count, columns)), width };
}
