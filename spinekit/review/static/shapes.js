/** What becomes of a thing's points and shape when it is dragged, added or named anew. */

const FEW = 16; // corners of a shape that a hand has set; of finer ones the neighbours follow

/** @param {import("./film.js").Thing} thing @returns {number[][]} every placed point, or the shape, or the box */
export function extent(thing) {
  const points = (thing.landmarks ?? []).filter((point) => point.xy).map((point) => point.xy);
  if (thing.outline) points.push(...thing.outline.rings.flat());
  if (points.length) return points;
  const [left, top, right, bottom] = thing.box;
  return [[left, top], [right, bottom]];
}

/** @returns {[number, number, number, number]} */
export function boxOf(thing) {
  const points = extent(thing), xs = points.map((p) => p[0]), ys = points.map((p) => p[1]);
  return [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)];
}

export function middle(thing) {
  const [left, top, right, bottom] = boxOf(thing);
  return [(left + right) / 2, (top + bottom) / 2];
}

const round = (value) => Math.round(value * 100) / 100;
const added = ([x, y], dx, dy) => [round(x + dx), round(y + dy)];

/** The thing somewhere else. */
export function moved(thing, dx, dy) {
  const rings = (list) => list.map((ring) => ring.map((point) => added(point, dx, dy)));
  const [left, top, right, bottom] = thing.box;
  return {
    ...thing,
    box: [left + dx, top + dy, right + dx, bottom + dy],
    landmarks: thing.landmarks && thing.landmarks.map((point) => ({ ...point, xy: point.xy && added(point.xy, dx, dy) })),
    outline: thing.outline && { rings: rings(thing.outline.rings), holes: rings(thing.outline.holes) },
  };
}

/** The thing with one point somewhere else. @param {number} index @param {[number, number] | null} xy @param {number} [seen] */
export function withPoint(thing, index, xy, seen) {
  const landmarks = thing.landmarks.map((point, place) => {
    if (place !== index) return point;
    return { name: point.name, xy: xy && [round(xy[0]), round(xy[1])], visibility: xy ? seen ?? (point.visibility || 2) : 0 };
  });
  return { ...thing, landmarks };
}

/**
 * The shape pulled at a place: of a coarse one the nearest corner follows, of a fine one all that is near, the less the
 * farther off it is.
 * @param {[number, number]} from @param {[number, number]} to
 */
export function pulled(thing, from, to) {
  const dx = to[0] - from[0], dy = to[1] - from[1];
  const rings = thing.outline.rings;
  const all = rings.flat();
  const nearest = all.reduce((best, point) => (far(point, from) < far(best, from) ? point : best));
  const [left, top, right, bottom] = boxOf(thing);
  const reach = Math.max(1.5, 0.16 * Math.min(right - left, bottom - top));
  const pull = (ring) => {
    const coarse = ring.length <= FEW;
    return ring.map((point) => {
      const share = coarse ? Number(point === nearest) : Math.exp(-far(point, from) / (2 * reach * reach));
      return share > 0.001 ? added(point, dx * share, dy * share) : point;
    });
  };
  return { ...thing, outline: { rings: rings.map(pull), holes: thing.outline.holes.map(pull) } };
}

const far = (a, b) => (a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2;

/** Nearest place of a shape's border, and how far off it is. */
export function nearestBorder(outline, [x, y]) {
  let best = { distance: Infinity, at: [x, y] };
  for (const ring of [...outline.rings, ...outline.holes]) {
    for (let i = 0; i < ring.length; i++) {
      const [ax, ay] = ring[i], [bx, by] = ring[(i + 1) % ring.length];
      const length = (bx - ax) ** 2 + (by - ay) ** 2;
      const along = length ? Math.max(0, Math.min(1, ((x - ax) * (bx - ax) + (y - ay) * (by - ay)) / length)) : 0;
      const at = [ax + along * (bx - ax), ay + along * (by - ay)];
      const distance = Math.sqrt(far(at, [x, y]));
      if (distance < best.distance) best = { distance, at };
    }
  }
  return best;
}

/** Whether a place lies within a ring, by the even-odd rule. */
export function inside(ring, [x, y]) {
  let within = false;
  for (let i = 0, j = ring.length - 1; i < ring.length; j = i++) {
    const [ax, ay] = ring[i], [bx, by] = ring[j];
    if (ay > y !== by > y && x < ((bx - ax) * (y - ay)) / (by - ay) + ax) within = !within;
  }
  return within;
}

/** A way round a thing, for drawing and for hitting it. @returns {number[][][]} */
export function ringsOf(thing) {
  if (thing.outline) return [...thing.outline.rings, ...thing.outline.holes];
  const points = (thing.landmarks ?? []).filter((point) => point.xy).map((point) => point.xy);
  if (points.length === 4) {
    const [cx, cy] = [0, 1].map((axis) => points.reduce((sum, p) => sum + p[axis], 0) / 4);
    return [[...points].sort((a, b) => Math.atan2(a[1] - cy, a[0] - cx) - Math.atan2(b[1] - cy, b[0] - cx))];
  }
  return [];
}

/**
 * A new thing where its neighbours let expect it, else in the middle of what is seen.
 * @param {import("./film.js").Film} film @param {string} label @param {[number, number]} seen @param {number} size px
 */
export function proposed(film, label, seen, size) {
  const levels = film.schema.levels;
  const points = film.schema.landmarks;
  const others = film.keys().map((key) => film.things[key]).filter((thing) => levels.includes(thing.label));
  const rank = levels.indexOf(label);
  const near = others.map((thing) => ({ thing, off: levels.indexOf(thing.label) - rank })).sort((a, b) => Math.abs(a.off) - Math.abs(b.off));
  if (rank >= 0 && near.length) {
    const [first, second] = near;
    const at = middle(first.thing);
    if (second) {
      const other = middle(second.thing);
      const steps = second.off - first.off || 1;
      at[0] -= (other[0] - at[0]) / steps * first.off;
      at[1] -= (other[1] - at[1]) / steps * first.off;
    } else {
      const [, top, , bottom] = boxOf(first.thing);
      at[1] -= (bottom - top) * 1.25 * first.off;
    }
    const from = middle(first.thing);
    return { ...moved(structuredClone(first.thing), at[0] - from[0], at[1] - from[1]), label, flags: [], score: 1 };
  }
  const [x, y] = seen, half = size / 2;
  const ring = [[x - half, y - half], [x + half, y - half], [x + half, y + half], [x - half, y + half]];
  const corners = [ring[0], ring[1], ring[3], ring[2]];
  const quad = points.length === 4;
  return {
    label, score: 1, author: "human", flags: [], colour: "#5EC8FF",
    box: [x - half, y - half, x + half, y + half],
    landmarks: points.length ? points.map(({ name }, i) => ({ name, xy: quad ? corners[i] : null, visibility: quad ? 2 : 0 })) : null,
    outline: points.length ? null : { rings: [ring], holes: [] },
  };
}
