// Files from browser to browser.  Each has a WebRTC data channel of its own, on
// which is said: an offer, "yes", the blocks, their digest, "whole".  Who
// declines or cancels closes the data channel.
import { NetworkWebSocket } from '/nws.mjs';
import { channelName, element, parse, personName, showStatus } from './page.js';
import { connectTo } from './rtc.js';

const BLOCK = 64 * 1024;        // what every browser takes as one message
const FULL = 4 * 1024 * 1024;   // bytes that wait in the browser, at most
const LOW = 1024 * 1024;        // with so few left we go on

const $ = (id) => document.querySelector(`#${id}`);
const ws = new NetworkWebSocket(channelName('files'));
const myName = personName((name) => ws.peers.forEach((p) => p.send({ name })));
const size = (n) => n < 1e6 ? `${Math.ceil(n / 1e3)} kB`
  : `${(n / 1e6).toFixed(1)} MB`;

showStatus(ws);

ws.onconnect = ({ detail: { target: peer } }) => {
  const { pc } = connectTo(peer, ws.id);
  const person = { name: `Member ${peer.id.slice(0, 4)}`, peer };
  const title = element('h3', {}, person.name);
  const input = element('input', { type: 'file', multiple: true,
    hidden: true });
  const button = element('button', {}, 'Choose files');
  const card = element('li', { className: 'person stack' }, title, button,
    input, element('p', { className: 'quiet' }, 'or drop them here'));
  const give = (files) => [...files].forEach((file) => run(person,
    pc.createDataChannel('file'), (inbox, row) => send(inbox, file, row)));

  button.onclick = () => input.click();
  input.onchange = () => {
    give(input.files);
    input.value = '';           // the same file again is a change, too
  };
  card.ondragover = (e) => {
    e.preventDefault();
    card.classList.add('over');
  };
  card.ondragleave = () => card.classList.remove('over');
  card.ondrop = (e) => {
    e.preventDefault();
    card.classList.remove('over');
    give(e.dataTransfer.files);
  };
  pc.ondatachannel = (e) => run(person, e.channel, receive);
  peer.addEventListener('message', ({ data }) => {
    const { name } = parse(data);
    if (typeof name === 'string' && name.trim() !== '') {
      title.textContent = person.name = name.slice(0, 40);
      button.ariaLabel = `Choose files for ${person.name}`;
    }
  });
  peer.addEventListener('close', () => {
    card.remove();
    $('nobody').hidden = ws.peers.length > 0;
  });
  peer.send({ name: myName() });
  $('people').append(card);
  $('nobody').hidden = true;
};

async function send(inbox, file, row) {
  const { channel } = inbox;
  row.say(`${file.name}, ${size(file.size)}: waits for ${row.name}`);
  await inbox.opened;
  channel.send(JSON.stringify({ name: file.name, size: file.size,
    type: file.type }));
  await inbox.next();           // yes
  row.say(`${file.name}, ${size(file.size)}, to ${row.name}`);
  channel.bufferedAmountLowThreshold = LOW;
  let digest = new Uint8Array(32);
  for (let at = 0; at < file.size; at += BLOCK) {
    // Read as it is sent: a file may be larger than memory.
    const block = await file.slice(at, at + BLOCK).arrayBuffer();
    // send() never waits, it only piles up; so we have to.
    if (channel.bufferedAmount > FULL)
      await inbox.until('bufferedamountlow');
    channel.send(block);
    digest = await chain(digest, block);
    row.progress(at + block.byteLength, file.size);
  }
  channel.send(digest);
  const verdict = await inbox.next();
  row.say(verdict === 'whole' ? `${file.name}: ${row.name} has it`
    : `${file.name}: arrived damaged. Send it again.`);
}

async function receive(inbox, row) {
  const offer = parse(await inbox.next());
  const name = `${offer.name}`.slice(0, 255);
  if (!Number.isSafeInteger(offer.size) || offer.size < 0)
    throw new Error('this is no file');
  row.say(`${row.name} has ${name}, ${size(offer.size)}, for you`);
  await inbox.or(row.asked('Accept', `Accept ${name} from ${row.name}`));
  inbox.channel.send('yes');
  row.say(`${name}, ${size(offer.size)}, from ${row.name}`);
  let parts = [], got = 0, digest = new Uint8Array(32);
  while (got < offer.size) {
    const block = await inbox.next();
    got += block.byteLength;
    digest = await chain(digest, block);
    parts.push(block);
    if (parts.length === 256)   // browsers put large Blobs on disk
      parts = [new Blob(parts)];
    row.progress(got, offer.size);
  }
  const theirs = new Uint8Array(await inbox.next());
  if (got !== offer.size || digest.some((byte, i) => byte !== theirs[i])) {
    inbox.channel.send('damaged');
    throw new Error('it arrived damaged');
  }
  inbox.channel.send('whole');
  row.say(`${name}, ${size(offer.size)}, from ${row.name}: whole`);
  // Of no type: nothing of a stranger is to be run as a page of this origin.
  row.offer(new Blob(parts), name);
}

/** SHA-256 over what was before and a block: order and length count, too. */
async function chain(digest, block) {
  const both = new Uint8Array(digest.length + block.byteLength);
  both.set(digest);
  both.set(new Uint8Array(block), digest.length);
  return new Uint8Array(await crypto.subtle.digest('SHA-256', both));
}

/** One transfer, with its row on the page, to whichever end. */
async function run(person, channel, transfer) {
  const row = rowFor(person.name, () => channel.close());
  const inbox = inboxOf(channel, person.peer);
  try {
    await transfer(inbox, row);
  } catch (error) {
    row.fail(error.message);
  }
  row.end();
  // The last word of the receiver may be on its way: the sender closes.
  if (transfer !== receive)
    channel.close();
}

/** What comes on a data channel, to be waited for. */
function inboxOf(channel, peer) {
  const waiting = [], items = [];
  const gone = new Promise((_, reject) => {
    const fail = (text) => () => reject(new Error(text));
    channel.addEventListener('close', fail('declined or cancelled'));
    peer.addEventListener('close', fail('the connection was lost'));
  });
  gone.catch(() => {});         // it may come when nobody waits any more
  const or = (promise) => Promise.race([gone, promise]);
  const until = (type) => or(new Promise((resolve) =>
    channel.addEventListener(type, resolve, { once: true })));
  channel.binaryType = 'arraybuffer';
  channel.onmessage = ({ data }) => waiting.length > 0
    ? waiting.shift()(data) : items.push(data);
  return {
    channel,
    or,
    until,
    opened: channel.readyState === 'open' ? null : until('open'),
    next: () => items.length > 0 ? items.shift()
      : or(new Promise((resolve) => waiting.push(resolve))),
  };
}

function rowFor(name, close) {
  const text = element('p', { role: 'status' });
  const bar = element('progress', { value: 0, hidden: true,
    ariaLabel: 'Progress' });
  const stop = element('button', { type: 'button' }, 'Cancel');
  const buttons = element('div', { className: 'row' }, stop);
  $('transfers').prepend(element('li', { className: 'transfer' }, text, bar,
    buttons));
  $('nothing').hidden = true;
  stop.onclick = close;
  return {
    name,
    say: (words) => {
      text.textContent = words;
    },
    progress: (done, all) => Object.assign(bar, { value: done, max: all,
      hidden: false }),
    asked: (word, ariaLabel) => new Promise((resolve) => {
      const yes = element('button', { className: 'primary', ariaLabel }, word);
      stop.textContent = 'Decline';
      buttons.prepend(yes);
      yes.onclick = () => {
        yes.remove();
        stop.textContent = 'Cancel';
        resolve();
      };
    }),
    offer: (blob, download) => {
      const href = URL.createObjectURL(blob);
      buttons.append(element('a', { href, download, className: 'button' },
        `Save ${download}`));
    },
    fail: (why) => {
      text.textContent += `: ${why}`;
    },
    end: () => {
      buttons.querySelectorAll('button').forEach((b) => b.remove());
      bar.hidden = true;
    },
  };
}
