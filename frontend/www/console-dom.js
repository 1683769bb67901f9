/**
 * What all parts of the console share: elements, lists that are brought up to
 * date in place, numbers for people.  What comes from outside becomes text of
 * elements and nothing else.
 */
export const $ = (id) => document.getElementById(id);

/** A new element; attributes that are undefined or false are left out. */
export function element(tag, attributes = {}, ...children) {
  const e = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes))
    if (value !== undefined && value !== false)
      e.setAttribute(name, value === true ? '' : value);
  e.append(...children);
  return e;
}

/** Changes a text only if it is another, so that nothing is announced twice. */
export function setText(e, text) {
  const s = String(text);
  if (e.textContent !== s)
    e.textContent = s;
}

const lists = new WeakMap();

/**
 * Brings the children of an element up to date with a list, by key: those that
 * stay are the same elements, so that focus and selection stay, too.  make()
 * returns an element, update() is called for each.
 */
export function sync(parent, items, key, make, update) {
  const old = lists.get(parent) ?? new Map(), now = new Map();
  const keyed = [];
  for (const item of items) {
    let k = `${key(item)}`;
    while (now.has(k))
      k += '\n';
    now.set(k, old.get(k));
    keyed.push([k, item]);
  }
  for (const [k, e] of old)
    if (!now.has(k))
      e.remove();
  let at = parent.firstElementChild;
  for (const [k, item] of keyed) {
    const e = now.get(k) ?? make(item);
    now.set(k, e);
    update(e, item);
    if (e === at)
      at = at.nextElementSibling;
    else
      parent.insertBefore(e, at);
  }
  lists.set(parent, now);
}

/** Two lines in one cell. */
function two(cell, [first, second]) {
  if (cell.childElementCount === 0) {
    cell.append(element('span'), element('span', { class: 'under' }));
    cell.classList.add('two');
  }
  setText(cell.firstChild, first);
  setText(cell.lastChild, second);
}

/** A table's rows: cells(item) gives texts, pairs of texts or elements. */
export function rows(tbody, items, key, numeric, cells) {
  sync(tbody, items, key, () => element('tr'), (tr, item) => {
    cells(item).forEach((value, i) => {
      const cell = tr.children[i] ?? tr.appendChild(i === 0
        ? element('th', { scope: 'row' })
        : element('td', { class: numeric.includes(i) ? 'n' : undefined }));
      if (Array.isArray(value))
        two(cell, value);
      else if (!(value instanceof Node))
        setText(cell, value);
      else if (cell.firstChild !== value)
        cell.replaceChildren(value);
    });
  });
}

/** The first of a list, and how many are not shown said beneath. */
export function bounded(items, most, more) {
  setText(more, items.length > most
    ? `${number(items.length - most)} more are not shown.` : '');
  return items.slice(0, most);
}

const live = [];

/** Says something to people who do not see it happen. */
export function say(text) {
  live.push(text);
  if (live.length > 1)
    return;
  const next = () => {
    $('say').textContent = live[0];
    setTimeout(() => {
      live.shift();
      if (live.length > 0)
        next();
    }, 700);
  };
  next();
}

const plain = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const tenths = new Intl.NumberFormat('en', { maximumFractionDigits: 1 });
const fine = new Intl.NumberFormat('en', { maximumSignificantDigits: 3 });

/** A count. */
export const number = (n) => plain.format(n);

/** A rate: 0, 0.2, 7, 1,234. */
export const rate = (n) => (n >= 10 ? plain : tenths).format(n);

/** Bytes, in the largest unit of which there is one. */
export function bytes(n) {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let i = 0, v = n;
  for (; v >= 1024 && i < units.length - 1; i++)
    v /= 1024;
  return `${i === 0 ? plain.format(v) : fine.format(v)} ${units[i]}`;
}

/** A time that passed, in its largest unit and, unless brief, the one below. */
export function age(seconds, brief = false) {
  const units = [[86400, 'd'], [3600, 'h'], [60, 'min'], [1, 's']];
  const i = units.findIndex(([n]) => seconds >= n);
  if (i === -1)
    return '0 s';
  const [size, name] = units[i], whole = Math.floor(seconds / size);
  const rest = i + 1 < units.length && whole < 10 && !brief
    ? Math.floor(seconds % size / units[i + 1][0]) : 0;
  return `${whole} ${name}` + (rest > 0 ? ` ${rest} ${units[i + 1][1]}` : '');
}

/** A time of a round trip, given in microseconds. */
export const roundTrip = (us) => us < 1000 ? `${plain.format(us)} µs`
  : `${fine.format(us / 1000)} ms`;

/** 1 link, 2 links. */
export const plural = (n, one, many = `${one}s`) =>
  `${number(n)} ${n === 1 ? one : many}`;

/** The end of an id, by which people tell members and nodes apart. */
export const short = (id) => `…${id.slice(-6)}`;
