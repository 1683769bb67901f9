// What the pages of all examples share: which channel they are on, the name of
// the person, how the connection is doing.

/** The element of this id. */
export const $ = (id) => document.querySelector(`#${id}`);

/** The channel of the page: what stands behind # in its address. */
export function channelName(usual) {
  const name = location.hash.slice(1) || usual;
  const field = element('input', { name: 'channel', value: name,
    required: true, maxLength: 255,
    pattern: '(?!(\\.\\.?|libp2p)$)[A-Za-z0-9+=*._\\-]+',
    title: 'A to Z, a to z, 0 to 9 and + = * . _ - but not libp2p',
    spellcheck: false, autocapitalize: 'none', autocomplete: 'off' });
  const form = element('form', { className: 'row grow' },
    element('label', { className: 'grow' }, 'Channel ', field),
    element('button', {}, 'Change'));
  form.onsubmit = (e) => {
    e.preventDefault();
    location.hash = field.value;
  };
  // Another channel is another page: nothing of this one stays.
  onhashchange = () => location.reload();
  $('where').append(form);
  field.reportValidity();       // an address may have anything behind its #
  return name;
}

/** The name of the person in this tab; calls changed(name) for a new one. */
export function personName(changed) {
  const pick = (...words) => words[Math.floor(Math.random() * words.length)];
  const field = element('input', { id: 'name', maxLength: 40,
    autocomplete: 'off', spellcheck: false,
    // Not localStorage: two tabs are two people.
    value: sessionStorage.getItem('name')
      ?? `${pick('Calm', 'Keen', 'Merry', 'Quick', 'Wise')} ${
        pick('Badger', 'Heron', 'Lynx', 'Otter', 'Wren')}` });
  field.onchange = () => {
    sessionStorage.setItem('name', field.value);
    changed(field.value);
  };
  $('where').append(element('label', { className: 'grow' }, 'Your name ',
    field));
  return () => field.value;
}

/** Says how a channel is doing, with the advice of the library's errors. */
export function showStatus(ws, where = $('status')) {
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

/**
 * Returns write(className, text, who) for messages, of somebody or of none.
 * The end of them is in sight, unless who reads has gone further up.
 */
export function logWriter(log = $('log')) {
  let atEnd = true;
  const follow = () => {
    if (atEnd)
      log.scrollTop = log.scrollHeight;
  };
  log.onscroll = () => {
    atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 40;
  };
  new ResizeObserver(follow).observe(log);
  return (className, text, who) => {
    log.append(element('p', { className },
      ...who ? [element('b', {}, who)] : [], text));
    while (log.childElementCount > 500)
      log.firstElementChild.remove();
    follow();
  };
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
