// What the pages of all examples share: which channel they are on, the name of
// the person, how the connection is doing.

/** The channel of the page: what stands behind # in its address. */
export function channelName(usual) {
  const form = document.querySelector('#channel');
  const name = decodeURIComponent(location.hash.slice(1)) || usual;
  form.channel.value = name;
  form.addEventListener('submit', (e) => {
    e.preventDefault();
    location.hash = form.channel.value;
  });
  // Another channel is another page: nothing of this one stays.
  addEventListener('hashchange', () => location.reload());
  return name;
}

/** The name of the person in this tab; calls changed(name) for a new one. */
export function personName(changed) {
  const field = document.querySelector('#name');
  const pick = (...words) => words[Math.floor(Math.random() * words.length)];
  // Not localStorage: two tabs are two people.
  field.value = sessionStorage.getItem('name')
    ?? `${pick('Calm', 'Keen', 'Merry', 'Quick', 'Wise')} ${
      pick('Badger', 'Heron', 'Lynx', 'Otter', 'Wren')}`;
  field.addEventListener('change', () => {
    sessionStorage.setItem('name', field.value);
    changed(field.value);
  });
  return () => field.value;
}

/** Says how a channel is doing, with the advice of the library's errors. */
export function showStatus(ws, where = document.querySelector('#status')) {
  const say = (state, text) => {
    where.dataset.state = state;
    where.textContent = text;
  };
  const count = () => say('open', ws.peers.length === 0
    ? 'Connected; nobody else is here yet.'
    : `Connected, with ${ws.peers.length} ${ws.peers.length === 1 ? 'other'
      : 'others'}.`);
  say('connecting', 'Connecting…');
  for (const type of ['open', 'connect', 'disconnect'])
    ws.addEventListener(type, () => ws.readyState === ws.OPEN && count());
  // The library tries again by itself, and says what is to be done.
  ws.addEventListener('reconnecting', (e) => say('trouble',
    `${e.detail.error.message} Trying again…`));
  ws.addEventListener('error', (e) => say('trouble', e.message));
  ws.addEventListener('close', (e) => say('trouble', e.wasClean
    ? 'Not connected.' : 'The connection has ended. Reload to try again.'));
}

/** What another member sent: an object, empty if it is none of ours. */
export function parse(data) {
  try {
    return Object(JSON.parse(data));
  } catch {
    return {};
  }
}

/** element('p', { className: 'x' }, 'text', anotherElement) */
export function element(tag, properties = {}, ...children) {
  const e = Object.assign(document.createElement(tag), properties);
  e.append(...children);        // strings become text, never HTML
  return e;
}
