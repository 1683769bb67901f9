/** Who waits to be let in, and what was decided. */
import { decide, mayChange } from '/console-api.js';
import { $, age, bounded, element, plural, say, setText, sync }
  from '/console-dom.js';

const SCOPES = ['channels', 'libp2p', 'signalling', 'polysocket'];
const SHOWN = 100, HOUR_S = 3600;

/** done(): the list is another one now. */
async function act(verb, origin, options, said, done) {
  try {
    setText($('origins-problem'), '');
    await decide(verb, origin, options);
    say(said);
  } catch (e) {
    setText($('origins-problem'), e.message.startsWith(origin) ? e.message
      : `${origin}: ${e.message}`);
    return;
  }
  await done();
  // The button is gone, and with it the focus.
  if (document.activeElement === document.body)
    $(verb === 'revoke' ? 'decided-title' : 'pending-title').focus();
}

function button(text, origin, click, kind) {
  const b = element('button', { type: 'button', class: kind,
    'aria-label': `${text}: ${origin}` }, text);
  b.addEventListener('click', click);
  return b;
}

function pendingCard({ origin, scopes }, done) {
  const boxes = SCOPES.map((name) => {
    const box = element('input', { type: 'checkbox', value: name });
    box.checked = scopes.includes(name);
    return box;
  });
  const problem = element('p', { class: 'problem', role: 'alert' });
  const allow = (seconds) => {
    const chosen = boxes.filter((b) => b.checked).map((b) => b.value);
    setText(problem, chosen.length > 0 ? ''
      : 'Choose at least one thing that it may use.');
    if (chosen.length > 0)
      act('allow', origin, { seconds, scopes: chosen.length === SCOPES.length
        ? [] : chosen }, `${origin} is allowed`, done);
  };
  const card = element('li', { class: 'origin' },
    element('p', { class: 'name' }, origin), element('p', { class: 'is' }));
  if (mayChange)
    card.append(element('fieldset', { class: 'scopes' },
      element('legend', {}, 'May use'), ...boxes.map((box, i) =>
        element('label', { class: 'check' }, box, ` ${SCOPES[i]}`))),
    element('div', { class: 'buttons' },
      button('Allow', origin, () => allow(), 'primary'),
      button('Allow for an hour', origin, () => allow(HOUR_S)),
      button('Deny', origin, () => act('deny', origin, {},
        `${origin} is denied`, done))), problem);
  return card;
}

const states = { allowed: 'Allowed', denied: 'Denied',
  configured: 'Allowed in nwsd.conf',
  'configured-deny': 'Denied in nwsd.conf' };
const isConfigured = (state) => state.startsWith('configured');
const isDenied = (state) => state === 'denied' || state === 'configured-deny';

function decidedText({ state, scopes, expires }) {
  const left = expires && (new Date(expires) - Date.now()) / 1000;
  return [states[state] ?? state, isDenied(state) ? null
    : scopes.length === SCOPES.length ? 'everything' : scopes.join(', '),
  expires ? `for another ${age(Math.max(0, left))}` : null]
    .filter(Boolean).join(' · ');
}

function decidedCard({ origin, state }, done) {
  const card = element('li', { class: 'origin row' },
    element('p', { class: 'name' }, origin), element('p', { class: 'is' }));
  if (mayChange && !isConfigured(state))
    card.append(element('div', { class: 'buttons' }, button('Revoke',
      origin, () => act('revoke', origin, {},
        `${origin} is forgotten`, done))));
  return card;
}

export const isPending = (o) => o.state === 'pending';

export function drawOrigins(list, done) {
  $('read-only').hidden = mayChange;
  const pending = list.filter(isPending);
  const decided = list.filter((o) => !isPending(o));
  const badge = $('origins-badge');
  badge.hidden = pending.length === 0;
  if (badge.textContent !== `${pending.length}`)
    badge.replaceChildren(`${pending.length}`, element('span',
      { class: 'unseen' }, ' waiting'));
  $('pending-empty').hidden = pending.length > 0;
  sync($('pending'), bounded(pending, SHOWN, $('pending-more')),
    (o) => o.origin, (o) => pendingCard(o, done), (card, o) =>
      setText(card.children[1], `Asked ${o.requests > 1
        ? plural(o.requests, 'time') : 'once'} for ${o.scopes.join(', ')}`));
  $('decided-empty').hidden = decided.length > 0;
  sync($('decided'), bounded(decided, SHOWN, $('decided-more')),
    (o) => `${o.state} ${o.origin}`, (o) => decidedCard(o, done), (card, o) => {
      card.dataset.level = isDenied(o.state) ? 'failure' : 'ok';
      setText(card.children[1], decidedText(o));
    });
}
